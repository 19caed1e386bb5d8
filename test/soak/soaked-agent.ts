import { readdirSync, readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../../scripts/stack/free-port.js";
import { type Program, startProgram } from "../../scripts/stack/program.js";
import type { Options } from "../contract/kind-contract.js";

const entry = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const preloadUrl = (file: string): string => new URL(file, import.meta.url).href;

export const intervalMs = 1_000;
/** A change that is announced is read at once, and its checks have run by then. */
export const noticedWithinMs = 2_000;

/**
 * About half as much again as the agent lives on here. With Node's own limit, gigabytes, the heap is collected as a whole
 * every few minutes only, and ten of them say nothing of what stays.
 */
const heapLimit = "--max-old-space-size=128";

/** A check as the configuration has it. */
export type CheckEntry = Options & { readonly name: string };

export interface AgentOptions {
  readonly folder: string;
  readonly otlpEndpoint: string;
  /** Checks that stay, from the first moment to the last. */
  readonly staying: readonly CheckEntry[];
  readonly plant: string | undefined;
  /** Flags of Node. */
  readonly node: readonly string[];
}

export interface Edit {
  /** By SIGHUP; otherwise the agent finds it, within some seconds. */
  readonly isAnnounced?: boolean;
  /** A mistake, at the end of the file. */
  readonly damage?: string;
}

/** The agent as it is shipped, in a process of its own, and the configuration that it is given. */
export class SoakedAgent {
  readonly #guests = new Map<string, readonly CheckEntry[]>();
  #writes: Promise<void> = Promise.resolve();
  #edits = 0;

  private constructor(
    readonly program: Program,
    readonly port: number,
    private readonly options: AgentOptions,
  ) {}

  static async start(options: AgentOptions): Promise<SoakedAgent> {
    const { folder, plant, node } = options;
    const port = await freePort();
    const file = join(folder, "healthspan.yaml");
    await writeFile(file, configOf(options, port, []));
    const preloads = ["witness.mjs", ...(plant === undefined ? [] : ["planted-leak.mjs"])];
    const program = await startProgram({
      name: "agent",
      path: process.execPath,
      args: [
        heapLimit,
        ...node,
        ...preloads.flatMap((preload) => ["--import", preloadUrl(preload)]),
        ...[entry, "run", "--config", file, "--allow-exec"],
      ],
      folder,
      env: { HEALTHSPAN_SOAK_WITNESS: join(folder, "witness.json"), HEALTHSPAN_SOAK_LEAK: plant ?? "" },
      readyUrl: `http://127.0.0.1:${port}/livez`,
    });
    return new SoakedAgent(program, port, options);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get edits(): number {
    return this.#edits;
  }

  get names(): readonly string[] {
    return [...this.options.staying, ...[...this.#guests.values()].flat()].map(({ name }) => name);
  }

  /** Beside those that stay; of one owner at a time. */
  async setGuests(owner: string, checks: readonly CheckEntry[], edit: Edit = {}): Promise<void> {
    this.#guests.set(owner, checks);
    await this.edit(edit);
  }

  /** Writes the file anew. */
  edit({ damage = "", isAnnounced = false }: Edit): Promise<void> {
    const write = async () => {
      this.#edits += 1;
      const { folder } = this.options;
      const file = join(folder, "healthspan.yaml");
      await writeFile(
        `${file}.new`,
        `${configOf(this.options, this.port, [...this.#guests.values()].flat())}${damage}`,
      );
      await rename(`${file}.new`, file);
      if (isAnnounced && this.program.isRunning) process.kill(this.program.pid, "SIGHUP");
    };
    this.#writes = this.#writes.then(write, write);
    return this.#writes;
  }

  /** What the kernel and the witness know of the process now; `heap` only after a collection. */
  look(): Readonly<Record<"rss" | "files" | "threads", number>> & Witnessed {
    const { pid } = this.program;
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const number = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
    return {
      rss: number("VmRSS") / 1_024,
      threads: number("Threads"),
      files: readdirSync(`/proc/${pid}/fd`).length,
      ...this.witnessed(),
    };
  }

  private witnessed(): Witnessed {
    const text = readFileSync(join(this.options.folder, "witness.json"), "utf8");
    const seen = JSON.parse(text) as Record<string, number | null>;
    const { floorBytes, externalBytes, handles, delayP99Ms } = seen;
    return {
      ...(floorBytes != null && { heap: floorBytes / 1_048_576 }),
      external: Number(externalBytes) / 1_048_576,
      handles: Number(handles),
      delay: Number(delayP99Ms),
    };
  }
}

interface Witnessed {
  /** MiB. */
  readonly heap?: number;
  readonly external: number;
  readonly handles: number;
  readonly delay: number;
}

/** JSON is YAML, and hides no secret from `${…}`. */
function configOf({ otlpEndpoint, staying }: AgentOptions, port: number, guests: readonly CheckEntry[]): string {
  const batch = { maxQueueSize: 512, maxExportBatchSize: 256, scheduledDelay: "500ms", exportTimeout: "3s" };
  const config = {
    server: { port, drainDelay: "0s" },
    // Short, so that every way of a Collector to fail is gone through to its end within a turn.
    telemetry: {
      otlp: { endpoint: otlpEndpoint, timeout: "2s", protocol: "http/protobuf" },
      traces: { phases: true, batch },
      metrics: { interval: "2s", timeout: "2s" },
      logs: { batch },
    },
    checks: [...staying, ...guests],
  };
  return JSON.stringify(config, undefined, 1).replaceAll("$", "$$$$");
}
