import { connect } from "node:net";
import { kinds as allKinds } from "../kinds/index.js";
import type { Discovered } from "./discover-checks.js";

/** This machine's loopback addresses, as a URL writes them. */
const loopbacks = ["127.0.0.1", "[::1]"] as const;
export type Loopback = (typeof loopbacks)[number];

/** On which loopback address anything listens on a port; undefined when on none. */
export type Listens = (port: number) => Promise<Loopback | undefined>;

const limitMs = 250;

/** Opens a connection and closes it: nothing is sent, and who listens is not asked. */
export const listensHere: Listens = async (port) => {
  const answers = await Promise.all(loopbacks.map((host) => accepts(host, port)));
  return loopbacks.find((_host, index) => answers[index]);
};

function accepts(host: Loopback, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: host.replaceAll(/[[\]]/g, ""), port });
    const end = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket
      .setTimeout(limitMs, () => end(false))
      .once("connect", () => end(true))
      .once("error", () => end(false));
  });
}

/** Checks of what listens here where it usually does, but for kinds that the environment has named already. */
export async function checksOfListeners(
  found: readonly Discovered[],
  listens: Listens = listensHere,
  kinds: readonly (typeof allKinds)[number][] = allKinds,
): Promise<readonly Discovered[]> {
  const named = new Set(found.map(({ kind }) => kind));
  const checks = kinds.map(async ({ kind, local }): Promise<readonly Discovered[]> => {
    const host = local && !named.has(kind) ? await listens(local.port) : undefined;
    if (!local || !host) return [];
    const { port, options, ...check } = local;
    return [{ ...check, kind, options: movedTo(host, options), because: `something listens on ${host}:${port}` }];
  });
  return (await Promise.all(checks)).flat();
}

/** Kinds write their local options for 127.0.0.1. */
function movedTo(host: Loopback, options: Discovered["options"]): Discovered["options"] {
  const move = (value: unknown): unknown =>
    typeof value === "string" ? value.replaceAll(loopbacks[0], () => host) : value;
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, move(value)]));
}
