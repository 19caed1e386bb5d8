import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Question, Seen } from "./arrivals.js";

export interface BurstQuestion {
  readonly fromMs: number;
  readonly forMs: number;
  readonly widthMs: number;
}

/** What the target can be asked. Times are milliseconds of its own clock. */
export interface Answers {
  now(): number;
  seen(question: Question): Seen;
  burst(question: BurstQuestion): number;
  /** What came by OTLP so far. */
  sink(): { readonly requests: number; readonly bytes: number };
}

export interface Asked {
  readonly ask: keyof Answers;
  readonly question?: unknown;
}

interface Ports {
  readonly httpPort: number;
  readonly sinkPort: number;
  readonly tcpPorts: readonly number[];
}

/** A target that runs, on ports of the loopback interface. It ends with us, whatever becomes of us. */
export class NeutralTarget {
  private constructor(
    private readonly child: ChildProcess,
    readonly ports: Ports,
  ) {}

  static async start({ tcpPorts = 0 } = {}): Promise<NeutralTarget> {
    const program = fileURLToPath(new URL("target.ts", import.meta.url));
    const child = fork(program, [String(tcpPorts)], { execArgv: ["--import", "tsx"] });
    return new NeutralTarget(child, (await messageOf(child)) as Ports);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get sinkUrl(): string {
    return `http://127.0.0.1:${this.ports.sinkPort}`;
  }

  /** One question at a time. */
  async ask<Name extends keyof Answers>(
    ask: Name,
    ...[question]: Parameters<Answers[Name]>
  ): Promise<ReturnType<Answers[Name]>> {
    this.child.send({ ask, question });
    return (await messageOf(this.child)) as ReturnType<Answers[Name]>;
  }

  stop(): void {
    this.child.kill("SIGKILL");
  }
}

/** @throws when it ends instead: Ctrl-C reaches it too. */
async function messageOf(child: ChildProcess): Promise<unknown> {
  const settled = new AbortController();
  const { signal } = settled;
  const gone = async (): Promise<never> => {
    await once(child, "exit", { signal });
    throw new Error("the target of the measurement has ended");
  };
  try {
    const [message] = await Promise.race([once(child, "message", { signal }), gone()]);
    return message;
  } finally {
    settled.abort();
  }
}
