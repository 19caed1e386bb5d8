import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CommandLine, Running, RunOptions } from "./command-line.js";

export interface AgentProcessOptions extends RunOptions {
  readonly checks: readonly Readonly<Record<string, unknown>>[];
  /** A free one unless said. */
  readonly port?: number;
  readonly words?: readonly string[];
  readonly more?: Readonly<Record<string, unknown>>;
}

/** The agent as it is shipped, as a process of its own. */
export interface AgentProcess {
  readonly running: Running;
  readonly pid: number;
  readonly url: string;
  readonly port: number;
  readonly configFile: string;
  /** The one sample of a metric that has no labels. */
  metric(name: string): Promise<number>;
  /** Kills it, if it still is, and takes its folder away. */
  remove(): Promise<void>;
}

export async function startAgentProcess(cli: CommandLine, options: AgentProcessOptions): Promise<AgentProcess> {
  const { checks, port: wanted = 0, words = [], more = {}, ...run } = options;
  const folder = mkdtempSync(join(tmpdir(), "healthspan-process-"));
  const configFile = join(folder, "healthspan.yaml");
  writeFileSync(configFile, JSON.stringify({ server: { port: wanted, drainDelay: "0s" }, checks, ...more }));
  const running = cli.start(["run", "--config", configFile, "--log-format", "json", ...words], run);
  const remove = async (): Promise<void> => {
    running.process.kill("SIGKILL");
    await running.ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    // With a port of its own it may be asked; without one it says which it got.
    const said = wanted === 0 ? await running.says(/"url":"http:\/\/127\.0\.0\.1:(\d+)"/) : undefined;
    const port = said?.[1] ?? wanted;
    const url = `http://127.0.0.1:${port}`;
    const metric = async (name: string): Promise<number> => {
      // A connection that is kept would be the next request's, which the agent may have closed meanwhile.
      const text = await (await fetch(`${url}/metrics`, { headers: { connection: "close" } })).text();
      return Number(new RegExp(`^${name} (\\S+)`, "m").exec(text)?.[1]);
    };
    return { running, pid: Number(running.process.pid), url, port: Number(port), configFile, metric, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
