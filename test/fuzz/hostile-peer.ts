import type { Socket } from "node:net";
import type { Check, CheckKind } from "../../src/check.js";
import { runOnce } from "../servers/run.js";
import { type SocketPeer, startPeer } from "../servers/sockets.js";
import type { StartedTarget } from "./fuzz-target.js";
import { mustBeTellable } from "./invariants.js";

/** Between what a server says at first, at the second thing it hears, and so on. */
export const turn = "\n~~~\n";

/** Deadline of a run: most inputs end by themselves, since the peer hangs up after its last word. */
const timeoutMs = 250;

export interface HostileServerOptions {
  readonly kind: CheckKind;
  /** What to check at this port; may depend on the input. */
  readonly optionsAt: (port: number, input: Buffer) => Readonly<Record<string, unknown>>;
  /** Where each question may have a connection of its own: the turns go on from one to the next. */
  readonly goesOn?: boolean;
  /** Loads the kind's driver: on a busy machine the first run would be over before it has. */
  readonly loadDriver?: () => Promise<unknown>;
}

/** A check of a kind, run against a server that says the input: a turn each time it hears something, then hangs up. */
export async function startHostileServer({
  kind,
  optionsAt,
  goesOn,
  loadDriver,
}: HostileServerOptions): Promise<StartedTarget> {
  await loadDriver?.();
  let turns: Buffer[] = [];
  const peer: SocketPeer = await startPeer((socket: Socket) => {
    const left = goesOn ? turns : [...turns];
    const speak = (): void => {
      const said = left.shift() ?? Buffer.alloc(0);
      if (left.length === 0) socket.end(said);
      else socket.write(said);
    };
    socket.on("data", speak);
  });
  return {
    async judge(input) {
      turns = turnsOf(input);
      const check: Check = kind.create(kind.options.parse(optionsAt(peer.port, input)));
      try {
        const result = await runOnce(check, { timeoutMs });
        mustBeTellable(result, kind);
      } finally {
        await check.close?.();
      }
    },
    close: () => peer.close(),
  };
}

function turnsOf(input: Buffer): Buffer[] {
  const turns: Buffer[] = [];
  let from = 0;
  for (let at = input.indexOf(turn); at >= 0; at = input.indexOf(turn, from)) {
    turns.push(input.subarray(from, at));
    from = at + turn.length;
  }
  return [...turns, input.subarray(from)];
}
