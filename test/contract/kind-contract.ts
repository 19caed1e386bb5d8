import { existsSync } from "node:fs";
import type { ServerName } from "../servers/available.js";
import type { Certificates } from "../servers/certificates.js";
import type { Peer } from "./peers.js";

/** Options as a config file says them. */
export type Options = Readonly<Record<string, unknown>>;

/** What the contract cannot ask of a kind, and why. */
export interface NotApplicable {
  readonly notApplicable: string;
}

/** A server for as long as a test needs it, and options that lead a check there. */
export interface Staged {
  readonly options: Options;
  remove(): Promise<void>;
}

export interface Stage {
  /** What has to be installed for it. */
  readonly needs: readonly ServerName[];
  start(): Promise<Staged>;
}

/** Options that carry a secret. `path` is where: `url`, `tls.key`, `headers.*`. */
export interface PlantedSecret {
  readonly path: string;
  readonly secret: string;
  readonly options: Options;
}

export interface PlantContext {
  /** Goes into a URL only when encoded. */
  readonly secret: string;
  readonly port: number;
  readonly certificates: Certificates;
}

/** What the suite has to know about one kind to hold it to the contract. */
export interface KindContract {
  /** Options for a server on this port of 127.0.0.1; with them a port where nobody listens is `refused`. */
  readonly at: ((port: number) => Options) | NotApplicable;
  /** A server that never answers; it takes TCP connections unless the kind asks otherwise. */
  readonly listenSilently?: () => Promise<Peer>;
  /** The least options there are, for kinds that need no address. */
  readonly plain?: Options;
  /** A real server that a check finds healthy. */
  readonly healthy: Stage;
  /** A real server that refuses the credentials given. */
  readonly wrongCredentials: Stage | NotApplicable;
  /** One for every option that the schema marks as secret. */
  planted(context: PlantContext): readonly PlantedSecret[];
}

export function isNotApplicable(part: unknown): part is NotApplicable {
  return typeof part === "object" && part !== null && "notApplicable" in part;
}

/** The contract of a kind: `test/contract/<kind>.ts` exports it as `contract`. A kind without one is an error. */
export async function contractOf(kind: string): Promise<KindContract> {
  const file = new URL(`${kind}.ts`, import.meta.url);
  if (!existsSync(file)) throw new Error(`test/contract/${kind}.ts is missing: every kind is held to the contract`);
  const { contract } = (await import(/* @vite-ignore */ file.href)) as { contract: KindContract };
  return contract;
}
