import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Part, PartUnavailable, type Stage } from "./part.js";
import { freePort, hasEnded, listening, stopProcess } from "./processes.js";

/** The machine's own redis-server, throw-away, that can freeze. */
export async function startRedisPart(stage: Stage): Promise<Part> {
  const program = findProgram("redis-server");
  if (program === undefined) throw new PartUnavailable("there is no redis-server on the PATH");
  const port = await freePort();
  const child = startServer(program, port, join(stage.folder, "redis"));
  stage.adopt(child);
  await listening(port, () => !hasEnded(child));
  return {
    name: "cache",
    label: `a real Redis (${program}), throw-away, on 127.0.0.1:${port}`,
    check: { kind: "redis", url: `redis://127.0.0.1:${port}` },
    faults: [
      {
        on: "cache is frozen: it keeps its connections and answers nothing",
        off: "cache answers again",
        begin: async () => {
          if (!child.kill("SIGSTOP")) throw new Error("redis-server has ended");
        },
        end: async () => {
          child.kill("SIGCONT");
        },
      },
    ],
    stop: () => {
      child.kill("SIGCONT");
      return stopProcess(child);
    },
  };
}

function startServer(program: string, port: number, folder: string): ChildProcess {
  mkdirSync(folder);
  const options = ["--bind", "127.0.0.1", "--port", `${port}`, "--save", "", "--appendonly", "no", "--dir", folder];
  const child = spawn(program, options, { stdio: "ignore", detached: true });
  child.on("error", () => {});
  return child;
}

function findProgram(name: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
