import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agentVersion } from "../../src/semconv.js";

// Inside the checkout, so that the drivers that stay outside of the bundle are found.
const cache = fileURLToPath(new URL("../../.cache/", import.meta.url));
const { bundleCommandLine, keepCode } = (await import(new URL("../../scripts/build.mjs", import.meta.url).href)) as {
  bundleCommandLine(outdir: string): Promise<void>;
  keepCode(outdir: string): void;
};

const { optionalDependencies } = JSON.parse(
  readFileSync(fileURLToPath(new URL("../../package.json", import.meta.url)), "utf8"),
) as { readonly optionalDependencies: Readonly<Record<string, string>> };

const config = `
service: { name: built }
server: { port: 0, drainDelay: 10ms }
checks:
  - { name: nobody, kind: tcp, address: "127.0.0.1:9" }
`;

/** The first line of the log that holds an address. */
async function listeningUrl(agent: ChildProcess): Promise<string> {
  if (!agent.stdout) throw new Error("the agent's output is not piped");
  for await (const line of createInterface(agent.stdout)) {
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
    if (url) return url;
  }
  throw new Error("the agent ended without listening");
}

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url);
  await response.text();
  return response.status;
}

describe("the built command line", () => {
  let folder: string;
  const file = (...parts: readonly string[]): string => join(folder, ...parts);

  beforeAll(async () => {
    mkdirSync(cache, { recursive: true });
    folder = mkdtempSync(join(cache, "build-test-"));
    await bundleCommandLine(folder);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("says its version when it is started as a program", () => {
    const { status, stdout } = spawnSync(file("main.js"), ["--version"], { encoding: "utf8" });
    expect({ status, version: stdout.trim() }).toEqual({ status: 0, version: agentVersion });
  });

  async function runsAnAgent(): Promise<void> {
    writeFileSync(file("healthspan.yaml"), config);
    const agent = spawn(process.execPath, [file("main.js"), "run", "--config", file("healthspan.yaml")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(agent, "exit");
    try {
      const url = await listeningUrl(agent);
      expect(await statusOf(`${url}/livez`)).toBe(200);
      await expect.poll(() => statusOf(`${url}/metrics`)).toBe(200);
      await expect.poll(() => statusOf(`${url}/startupz`), { timeout: 10_000 }).toBe(200);
      agent.kill("SIGINT");
      expect(await ended).toEqual([0, null]);
    } finally {
      agent.kill("SIGKILL");
    }
  }

  it("runs an agent with probes, metrics and checks, and ends cleanly", runsAnAgent);

  describe("with the code that V8 made of it", () => {
    beforeAll(() => keepCode(file()));
    afterAll(() => rmSync(file("code-cache"), { recursive: true }));

    it("compiles nothing anew when an agent starts, and runs it all the same", async () => {
      const chunks = JSON.stringify(file("chunks.js"));
      const count = `const chunks = require(${chunks}).openChunks(${JSON.stringify(file())});
        chunks.load("program.js").runProgram(["validate", "--config", ${JSON.stringify(file("healthspan.yaml"))}]);
        process.on("exit", () => console.log(JSON.stringify(chunks.counts())));`;
      writeFileSync(file("healthspan.yaml"), config);
      const { stdout } = spawnSync(process.execPath, ["-e", count], { encoding: "utf8" });
      const counts = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Record<"kept" | "compiled", number>;
      expect(counts.kept).toBeGreaterThan(10);
      // The command itself: it was an agent that ran.
      expect(counts.compiled).toBeLessThan(3);
      await runsAnAgent();
    });
  });

  it("leaves the drivers outside, to be loaded by the run that needs them", () => {
    const chunks = readdirSync(file("chunks")).filter((name) => name.endsWith(".js"));
    const text = chunks.map((name) => readFileSync(file("chunks", name), "utf8")).join("\n");
    const drivers = Object.keys(optionalDependencies);
    expect(drivers).not.toEqual([]);
    for (const driver of drivers) {
      expect(text).toContain(`require("${driver}")`);
      expect(text).not.toContain(`node_modules/${driver}/`);
    }
  });

  it("probes with node:http and nothing else", () => {
    const imports = [
      ...readFileSync(file("probe.js"), "utf8").matchAll(/(?:import\(|from |import |require\()"([^"]+)"/g),
    ];
    expect(imports.map(([, name]) => name).sort()).toEqual(["node:http", "node:https"]);
  });
});
