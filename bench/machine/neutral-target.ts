import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Question, Seen } from "./arrivals.js";

export interface BurstQuestion {
  readonly fromMs: number;
  readonly toMs: number;
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
    const [ports] = (await once(child, "message")) as [Ports];
    return new NeutralTarget(child, ports);
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
    const [answer] = (await once(this.child, "message")) as [ReturnType<Answers[Name]>];
    return answer;
  }

  stop(): void {
    this.child.kill("SIGKILL");
  }
}
