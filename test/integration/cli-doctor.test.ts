import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createHealth } from "../../src/index.js";
import { buildCommandLine, type CommandLine, type Running } from "../servers/command-line.js";
import { freePort } from "../servers/free-port.js";

const token = "t0ken-of-the-test";
const ansi = "\u001B[";

let cli: CommandLine;
let folder: string;
let target: Server;
let targetPort: number;
let agent: Running | undefined;

beforeAll(async () => {
  cli = await buildCommandLine();
});

afterAll(() => cli.remove());

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "healthspan-doctor-"));
  target = createServer((_req, res) => res.end("ok")).listen(0, "127.0.0.1");
  await once(target, "listening");
  targetPort = (target.address() as AddressInfo).port;
});

afterEach(async () => {
  agent?.process.kill("SIGKILL");
  await agent?.ended;
  agent = undefined;
  target.close();
  rmSync(folder, { recursive: true, force: true });
});

type Section = Readonly<Record<string, unknown>>;

const db = () => ({
  name: "db",
  kind: "tcp",
  critical: true,
  address: `127.0.0.1:${targetPort}`,
  interval: "200ms",
  timeout: "200ms",
  failureThreshold: 1,
});

/** Starts an agent; resolves with its URL once it listens. */
async function start(checks: readonly Section[], server: Section = {}): Promise<string> {
  const file = join(folder, "healthspan.yaml");
  writeFileSync(file, JSON.stringify({ server: { port: 0, drainDelay: "0s", ...server }, checks }));
  agent = cli.start(["run", "-c", file]);
  const [url] = await agent.says(/http:\/\/127\.0\.0\.1:\d+/);
  return url;
}

const lastLine = (text: string): string | undefined => text.trimEnd().split("\n").at(-1);

describe("healthspan doctor", () => {
  it("walks an agent that has just started, and ends with 4/4 passed", async () => {
    const { code, stdout, stderr } = await cli.run(["doctor", await start([db()])]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const step of ["liveness", "readiness", "details", "caching"]) {
      expect(stdout).toMatch(new RegExp(`^passed +${step} +\\S`, "m"));
    }
    expect(stdout).toMatch(/^db +tcp +healthy/m);
    expect(lastLine(stdout)).toBe("4/4 passed");
    expect(stdout).not.toContain(ansi);
  });

  it("waits for the 503 that somebody causes, and says so where no line can be drawn anew", async () => {
    const url = await start([db()]);
    const walk = cli.start(["doctor", `${url}/readyz`, "--expect-failure", "db"]);
    await walk.says(/waiting up to 120 s for the 503: stop db now/);
    target.close();
    const { code, stdout } = await walk.ended;
    expect(stdout).toMatch(/^passed +failure +\/readyz answers 503 after \d+\.\d s: db, refused: /m);
    expect(stdout).toMatch(/^db +tcp +unhealthy/m);
    expect({ code, last: lastLine(stdout) }).toEqual({ code: 0, last: "5/5 passed" });
  });

  it("gives up when nobody breaks it, with exit code 2", async () => {
    const words = ["doctor", await start([db()]), "--expect-failure", "db", "--timeout", "300ms"];
    const { code, stdout } = await cli.run(words);
    expect(stdout).toMatch(/^failed +failure +\/readyz answered 200/m);
    expect({ code, last: lastLine(stdout) }).toEqual({ code: 2, last: "4/5 passed" });
  });

  it("waits for no check that there is not", async () => {
    const words = ["doctor", await start([db()]), "--expect-failure", "dbb"];
    const { code, stdout, stderr } = await cli.run(words);
    expect(stdout).toMatch(/^unknown +failure +no check is named dbb; did you mean db\?$/m);
    expect({ code, stderr }).toEqual({ code: 3, stderr: "" });
  });

  it("exits 1 for a degraded service, though every step passed, and 2 for one that is not ready", async () => {
    const closed = { kind: "tcp", address: `127.0.0.1:${await freePort()}`, failureThreshold: 1 };
    const degraded = await cli.run(["doctor", await start([db(), { ...closed, name: "cache" }])]);
    expect({ code: degraded.code, last: lastLine(degraded.stdout) }).toEqual({ code: 1, last: "4/4 passed" });
    expect(degraded.stdout).toContain("degraded: Running in degraded mode: cache unavailable");
    agent?.process.kill("SIGKILL");
    const unready = await cli.run(["doctor", await start([{ ...closed, name: "cache", critical: true }])]);
    expect(unready.stdout).toMatch(/^failed +readiness +\/readyz answers 503: cache is unhealthy/m);
    expect({ code: unready.code, last: lastLine(unready.stdout) }).toEqual({ code: 2, last: "3/4 passed" });
  });

  it("says when details are hidden, and sees them by a token from file, environment or option", async () => {
    const url = await start([db()], { token, trustLoopback: false });
    const hidden = await cli.run(["doctor", url]);
    expect({ code: hidden.code, last: lastLine(hidden.stdout) }).toEqual({ code: 3, last: "3/4 passed" });
    expect(hidden.stdout).toMatch(/^unknown +details +.*no token\n +next: .*--token-file/m);
    const file = join(folder, "token");
    writeFileSync(file, `${token}\n`);
    const seen = await Promise.all([
      cli.run(["doctor", url, "--token-file", file]),
      cli.run(["doctor", url, "--token", token]),
      cli.run(["doctor", url], { env: { HEALTHSPAN_TOKEN: token } }),
      cli.run(["doctor", url.replace("//", `//me:${token}@`)]),
    ]);
    for (const { code, stdout, stderr } of seen) {
      expect({ code, last: lastLine(stdout) }).toEqual({ code: 0, last: "4/4 passed" });
      expect(stdout + stderr).not.toContain(token);
    }
    const wrong = await cli.run(["doctor", url, "--token", "another"]);
    expect(wrong.code).toBe(3);
    expect(wrong.stdout).toContain("this token does not open it");
  });

  it("prints JSON and nothing else", async () => {
    const { code, stdout, stderr } = await cli.run(["doctor", await start([db()]), "--json"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({
      passed: 4,
      total: 4,
      steps: [{ step: "liveness", result: "passed" }, { step: "readiness" }, { step: "details" }, { step: "caching" }],
      report: { status: "healthy", dependencies: { db: { status: "healthy" } } },
    });
  });

  it("exits 3 with one line where nobody answers, or somebody else does", async () => {
    const nobody = await cli.run(["doctor", `http://127.0.0.1:${await freePort()}`]);
    expect(nobody).toMatchObject({ code: 3, stdout: "" });
    expect(nobody.stderr).toMatch(/^healthspan: no agent at http:\S+: nothing listens there; .*\n$/);
    const other = await cli.run(["doctor", `http://127.0.0.1:${targetPort}`]);
    expect(other).toMatchObject({ code: 3, stdout: "" });
    expect(other.stderr).toMatch(/^healthspan: what answers at http:\S+ is no Healthspan \(.*\); .*9464.*\n$/);
    const json = await cli.run(["doctor", "--json", `http://127.0.0.1:${targetPort}`]);
    expect(json).toMatchObject({ code: 3, stderr: "" });
    expect(JSON.parse(json.stdout)).toMatchObject({
      passed: 0,
      total: 1,
      steps: [{ step: "liveness", result: "unknown", message: expect.stringContaining("is no Healthspan") }],
      report: null,
    });
    const tls = await cli.run(["doctor", `https://127.0.0.1:${targetPort}`]);
    expect(tls.stderr).toMatch(
      /^healthspan: no agent at https:.* does not speak this protocol .*; is it http or https, .*\n$/,
    );
  });

  it("walks a library's probes under their prefix, and says how to serve the details", async () => {
    const health = createHealth({ service: { name: "app" } });
    health.register(() => ({ status: "healthy" }), { name: "own", critical: true });
    const [plain, whole] = [{ prefix: "/plain" }, { prefix: "/whole", report: true, token }].map((options) =>
      health.probes(options),
    );
    const host = createServer((req, res) => plain?.(req, res, () => whole?.(req, res, () => res.writeHead(404).end())));
    host.listen(0, "127.0.0.1");
    await Promise.all([once(host, "listening"), health.start()]);
    const url = `http://127.0.0.1:${(host.address() as AddressInfo).port}`;
    const seen = await cli.run(["doctor", `${url}/whole`, "--token", token]);
    const bare = await cli.run(["doctor", `${url}/plain/readyz`]);
    host.close();
    await health.stop();
    expect({ code: seen.code, last: lastLine(seen.stdout) }).toEqual({ code: 0, last: "4/4 passed" });
    expect({ code: bare.code, last: lastLine(bare.stdout) }).toEqual({ code: 3, last: "3/4 passed" });
    expect(bare.stdout).toContain("health.probes({ report: true })");
  });

  describe("before somebody hostile", () => {
    let answer: (path: string, res: ServerResponse) => void;
    let hostile: Server;
    let url: string;

    beforeEach(async () => {
      hostile = createServer((req, res) => {
        res.setHeader("x-health-status", "healthy");
        answer(req.url ?? "", res);
      }).listen(0, "127.0.0.1");
      await once(hostile, "listening");
      url = `http://127.0.0.1:${(hostile.address() as AddressInfo).port}`;
    });

    afterEach(() => {
      hostile.closeAllConnections();
      hostile.close();
    });

    it("shows none of its control characters", async () => {
      const rude = "\u001B]0;owned\u0007\u009B31m";
      const words = { kind: rude, error: rude, reason: rude, metadata: { [rude]: rude } };
      const check = { ...words, status: "unhealthy", critical: true, duration_ms: 1 };
      answer = (_path, res) => {
        const report = { status: "unhealthy", phase: "running", readiness: false, cached: true, reason: rude };
        res.writeHead(503).end(JSON.stringify({ ...report, message: rude, dependencies: { [rude]: check } }));
      };
      const { code, stdout, stderr } = await cli.run(["doctor", url]);
      expect(code).toBe(2);
      expect(stdout).toContain("owned");
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
      expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    });

    it("follows no redirect, so that the token stays where it was given", async () => {
      const asked: string[] = [];
      answer = (path, res) => {
        asked.push(path);
        res.writeHead(302, { location: "/elsewhere" }).end();
      };
      const { code } = await cli.run(["doctor", url, "--token", token]);
      expect(code).toBe(3);
      expect(asked).not.toContain("/elsewhere");
    });

    it("gives up an answer that never ends, with exit code 3", async () => {
      answer = (_path, res) => void res.write("O");
      const { code, stderr } = await cli.run(["doctor", url]);
      expect(code).toBe(3);
      expect(stderr).toContain("no answer within 5 s");
    });
  });

  it.skipIf(process.platform !== "linux")("has colour and a line of progress on a terminal", async () => {
    const url = await start([db()]);
    const line = `script -qec "$healthspan doctor ${url} --expect-failure db --timeout 1s" /dev/null`;
    const { stdout } = await cli.shell(line);
    expect(stdout).toContain(`${ansi}32mpassed`);
    expect(stdout).toContain("waiting for /readyz to answer 503: stop db now");
    expect(stdout).toContain(`${ansi}31m4/5 passed`);
  });
});
