import { type ChildProcess, spawn } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { isInterrupted, pause, stopProcess } from "../machine/interruption.js";
import { type Usage, usageOf } from "../machine/processes.js";
import { coresOf } from "./cores.js";
import type { Plan } from "./systems/system.js";

export interface StartOptions {
  /** For its logs. */
  readonly folder: string;
  readonly cores: number;
}

const startLimitMs = 60_000;
const pollMs = 2;

/** All processes of a system, pinned, and what they say to the outside. */
export class RunningSystem {
  private constructor(
    private readonly children: readonly ChildProcess[],
    readonly plan: Plan,
    /** From the start of the first process until all say that they live, and until all of it is up. */
    readonly aliveMs: number,
    readonly upMs: number,
  ) {}

  /** Resolves when all of it is up. */
  static async start(plan: Plan, { folder, cores }: StartOptions): Promise<RunningSystem> {
    const startMs = performance.now();
    const logs = plan.programs.map((_, index) => join(folder, `${index}.log`));
    const children = plan.programs.map(({ command, args, env }, index) => {
      const log = openSync(logs[index] ?? "", "a");
      return spawn("taskset", ["-c", coresOf(cores), command, ...args], {
        cwd: folder,
        env: { ...process.env, ...env },
        stdio: ["ignore", log, log],
      });
    });
    const until = async (urls: readonly string[]): Promise<number> => {
      while ((await Promise.all(urls.map(statusOf))).some((status) => status !== 200)) {
        if (children.some(hasEnded) || performance.now() - startMs > startLimitMs) throw new Error(lastWords(logs));
        await pause(pollMs);
      }
      return performance.now() - startMs;
    };
    try {
      const aliveMs = await until(plan.aliveUrls);
      return new RunningSystem(children, plan, aliveMs, await until(plan.upUrls));
    } catch (error) {
      await Promise.all(children.map(stopProcess));
      throw error;
    }
  }

  get usage(): Usage {
    return usageOf(this.children.map(({ pid }) => pid ?? 0));
  }

  /** @throws when one of its processes is gone. */
  mustLive(): void {
    if (this.children.some(hasEnded) && !isInterrupted()) throw new Error("one of its processes ended meanwhile");
  }

  signal(name: "SIGSTOP" | "SIGCONT"): void {
    for (const child of this.children) child.kill(name);
  }

  async stop(): Promise<void> {
    await Promise.all(this.children.map(stopProcess));
  }
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

function lastWords(logs: readonly string[]): string {
  const text = logs.map((log) => readFileSync(log, "utf8").trim().split("\n").slice(-3).join(" ")).join(" ");
  return `it did not start, and said ${text.trim() === "" ? "nothing" : text.slice(-500)}`;
}

/** Undefined of who does not answer. Reads the answer to its end. */
export function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode));
      response.on("error", () => resolve(undefined));
    });
    request.on("error", () => resolve(undefined));
  });
}
