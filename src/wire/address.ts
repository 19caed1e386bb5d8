import { isIPv6 } from "node:net";
import { z } from "zod";

export interface Address {
  readonly host: string;
  readonly port: number;
}

const pattern = /^(?:\[([0-9a-fA-F:.%a-z]+)\]|([^\s:/@]+)):(\d{1,5})$/;

/** Host and port of `db:5432`, `10.0.0.1:5432` or `[::1]:5432`; undefined for anything else. */
export function parseAddress(text: string): Address | undefined {
  const match = pattern.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  return host === undefined || !(port >= 1 && port <= 65_535) ? undefined : { host, port };
}

/** The host of a `URL`, an IPv6 address without its brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "");
}

/** Whether a text is a host alone: a name, or an address without brackets; no port and no scheme. */
export function isHost(text: string): boolean {
  return /^[^\s:/@[\]]+$/.test(text) || isIPv6(text);
}

/** What is said of a `host` that is none. */
export const hostProblem = "is no host; write a name or an address alone: `db`, `10.0.0.1`, `::1`";

/** The option `address` of every kind that has one. */
export const addressOption = z
  .string()
  .refine(
    (text) => parseAddress(text) !== undefined,
    "is no address; write `host:port`, an IPv6 host in brackets: `[::1]:5432`",
  )
  .describe("Where it listens, `host:port`; an IPv6 host in brackets.");
