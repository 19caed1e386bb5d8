import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, get, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { kinds } from "../../src/kinds/index.js";
import { agentVersion } from "../../src/semconv.js";
import { buildCommandLine, type CommandLine, type Running } from "../servers/command-line.js";
import { freePort } from "../servers/free-port.js";
import { blackhole, type SocketPeer, startPeer } from "../servers/sockets.js";

const secret = "p4ss-wörd/1";
const ansi = "\u001B[";

let cli: CommandLine;
let folder: string;
let web: Server;
let webUrl: string;
let closedPort: number;
let running: Running | undefined;

beforeAll(async () => {
  cli = await buildCommandLine();
  web = createServer((_req, res) => res.end("ok")).listen(0, "127.0.0.1");
  await once(web, "listening");
  webUrl = `http://127.0.0.1:${(web.address() as AddressInfo).port}/`;
  closedPort = await freePort();
});

afterAll(() => {
  web.close();
  cli.remove();
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "healthspan-cli-"));
});

afterEach(async () => {
  running?.process.kill("SIGKILL");
  await running?.ended;
  running = undefined;
  rmSync(folder, { recursive: true, force: true });
});

interface ConfigFile {
  readonly checks?: readonly Readonly<Record<string, unknown>>[];
  readonly server?: Readonly<Record<string, unknown>>;
  readonly telemetry?: Readonly<Record<string, unknown>>;
}

function write(config: ConfigFile | string, name = "healthspan.yaml"): string {
  const file = join(folder, name);
  const text =
    typeof config === "string" ? config : JSON.stringify({ server: { port: 0, drainDelay: "0s" }, ...config });
  writeFileSync(file, text);
  return file;
}

const good = (name: string) => ({ name, kind: "http", url: webUrl });
const bad = (name: string, more: object = {}) => ({ name, kind: "tcp", address: `127.0.0.1:${closedPort}`, ...more });

const lines = (text: string): readonly string[] => text.split("\n").filter((line) => line !== "");

describe("healthspan check", () => {
  it("shows what each check found as a table, and exits 0 when all is healthy", async () => {
    const file = write({ checks: [good("web"), { ...good("web-again"), critical: true }] });
    const { code, stdout, stderr } = await cli.run(["check", "--config", file]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(lines(stdout)).toEqual([
      expect.stringMatching(/^CHECK +KIND +STATUS +TIME +FOUND$/),
      expect.stringMatching(/^web +http +healthy +\d+ ms +\S/),
      expect.stringMatching(/^web-again +http +healthy +\d+ ms +\S/),
      "healthy: All dependencies are healthy",
    ]);
  });

  it("exits 1 when degraded, 2 when unhealthy, and with names by the worst of those", async () => {
    const file = write({ checks: [good("web"), bad("queue")] });
    const degraded = await cli.run(["check", "-c", file]);
    expect(degraded.code).toBe(1);
    expect(degraded.stdout).toContain("degraded: Running in degraded mode: queue unavailable");
    expect(degraded.stdout).toMatch(/^queue +tcp +unhealthy +\d+ ms +refused: connection refused/m);
    expect((await cli.run(["check", "queue", "-c", file])).code).toBe(2);
    const one = await cli.run(["check", "web", "-c", file]);
    expect(one.code).toBe(0);
    expect(one.stdout).not.toContain("queue");
    const critical = write({ checks: [good("web"), bad("queue", { critical: true })] });
    expect((await cli.run(["check", "-c", critical])).code).toBe(2);
  });

  it("prints the report as JSON and nothing else", async () => {
    const file = write({ checks: [good("web"), bad("queue")] });
    const { code, stdout } = await cli.run(["check", "--json", "-c", file]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      status: "degraded",
      phase: "running",
      readiness: true,
      dependencies: { web: { status: "healthy" }, queue: { status: "unhealthy", reason: "refused" } },
    });
  });

  it("explains a run by its spans and the options it ran with, without secrets", async () => {
    const headers = { authorization: `Bearer ${secret}` };
    const file = write({
      checks: [{ ...good("web"), url: webUrl.replace("//", `//me:${encodeURIComponent(secret)}@`), headers }],
    });
    const { stdout } = await cli.run(["check", "web", "--explain", "-c", file]);
    expect(stdout).toMatch(/^trace [0-9a-f]{32}$/m);
    expect(stdout).toMatch(/^health\.check web +█+ +[\d.]+ m?s$/m);
    expect(stdout).toMatch(/^ {2}GET +·*█+·* +[\d.]+ m?s$/m);
    expect(stdout).toMatch(/^ {4}http\.response\.status_code: 200$/m);
    expect(stdout).toMatch(/^ {4}interval: 30s # default$/m);
    expect(stdout).toContain("***");
    expect(stdout).not.toContain(secret);
    expect(stdout).not.toContain(encodeURIComponent(secret));
  });

  it("checks what a URL describes, whatever file lies about", async () => {
    write({ checks: [bad("queue", { critical: true })] });
    const healthy = await cli.run(["check", webUrl], { cwd: folder });
    expect(healthy.code).toBe(0);
    expect(lines(healthy.stdout)).toHaveLength(3);
    expect((await cli.run(["check", `tcp://127.0.0.1:${closedPort}`])).code).toBe(2);
  });

  it("knows no other URL, nor a URL and names together", async () => {
    const unknown = await cli.run(["check", `gopher://user:${encodeURIComponent(secret)}@x`]);
    expect(unknown.code).toBe(3);
    expect(unknown.stderr).toMatch(/^healthspan: no kind of check knows this URL; these are known: https:.*\n$/);
    expect((await cli.run(["check", webUrl, "web"])).code).toBe(3);
  });

  it("says of what a URL says that the command line said it, in origins and errors", async () => {
    const explained = await cli.run(["check", webUrl, "--explain"]);
    expect(explained.stdout).toMatch(/^ {4}kind: http # command line$/m);
    const userless = await cli.run(["check", `postgres://127.0.0.1:${closedPort}/app`]);
    expect(userless).toMatchObject({ code: 3, stdout: "" });
    expect(userless.stderr).toMatch(/^command line checks\[0\]\.url: names no user; /);
  });

  it("shows in its help a URL of every kind that has one", async () => {
    const { stdout } = await cli.run(["check", "--help"]);
    const examples = kinds.flatMap(({ urlExample }) => urlExample ?? []);
    expect(examples.length).toBeGreaterThan(9);
    for (const example of examples) expect(stdout).toContain(`\n  ${example}`);
  });

  it("says that there is no configuration file, so that nobody takes the host's health for the service's", async () => {
    const { code, stdout, stderr } = await cli.run(["check", "--json"], { cwd: folder });
    expect(Object.keys(JSON.parse(stdout).dependencies)).toEqual(["system"]);
    expect(code).toBeLessThan(3);
    expect(stderr).toBe(
      "healthspan: no configuration file: checking what the environment names (`healthspan init` writes a file)\n",
    );
  });

  it("runs a check that is named on whatever shard it is asked, and says where a shard has none", async () => {
    const file = write({ checks: [{ name: "web", kind: "http", url: webUrl }] });
    const outcomes = await Promise.all(
      ["0", "1"].map((index) => {
        const env = { HEALTHSPAN_SHARD_INDEX: index, HEALTHSPAN_SHARD_OF: "2" };
        return Promise.all([
          cli.run(["check", "--config", file, "web"], { env }),
          cli.run(["check", "--config", file], { env }),
        ]);
      }),
    );
    expect(outcomes.map(([named]) => [named.stderr, named.code])).toEqual([
      ["", 0],
      ["", 0],
    ]);
    const all = outcomes.map(([, whole]) => whole).sort((one, other) => Number(one.code) - Number(other.code));
    expect(all.map(({ code }) => code)).toEqual([0, 3]);
    expect(all[1]?.stderr).toMatch(
      /^healthspan: shard [01] of 2 \(counted from 0\) runs 0 of 1 checks; name those to run here\n$/,
    );
  });

  it("exits 3 with one line for a name that is no check", async () => {
    const { code, stdout, stderr } = await cli.run(["check", "databse", "-c", write({ checks: [good("web")] })]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toBe("healthspan: no check is named databse; there are: web\n");
  });

  it("names the check that was probably meant, and never hundreds of them", async () => {
    const file = write({ checks: Array.from({ length: 200 }, (_none, index) => good(`shop-${index}`)) });
    const near = await cli.run(["check", "shpo-123", "-c", file]);
    expect(near.stderr).toBe("healthspan: no check is named shpo-123; did you mean shop-123?\n");
    const far = await cli.run(["check", "queue", "-c", file]);
    expect(far.stderr).toMatch(/^healthspan: no check is named queue; there are: shop-0, .*, shop-19 and 180 more\n$/);
  });

  it("says of an address without its scheme that it is neither a name nor a URL", async () => {
    const { code, stderr } = await cli.run(["check", "localhost:6379", "-c", write({ checks: [good("web")] })]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^healthspan: no check is named localhost:6379, and a URL begins with its scheme; .*--help/);
  });

  it("says how to get a driver that is not installed", async () => {
    // Outside of the checkout no driver is found.
    const elsewhere = join(folder, "bundle");
    cpSync(cli.folder, elsewhere, { recursive: true });
    const line = `${process.execPath} ${elsewhere}/main.js check postgres://app@127.0.0.1:${closedPort}/app`;
    const { code, stdout, stderr } = await cli.shell(line, { cwd: folder });
    expect({ code, stderr }).toEqual({ code: 2, stderr: "" });
    expect(stdout).toMatch(/^postgres +postgres +unhealthy .*the package `pg` cannot be loaded; install it/m);
  });
});

describe("output", () => {
  const twoChecks = () => write({ checks: [good("web"), bad("queue")] });

  it("has no colour when piped, unless FORCE_COLOR says so", async () => {
    const file = twoChecks();
    expect((await cli.run(["check", "-c", file])).stdout).not.toContain(ansi);
    expect((await cli.run(["check", "-c", file], { env: { FORCE_COLOR: "1" } })).stdout).toContain(ansi);
    const refused = { FORCE_COLOR: "1", NO_COLOR: "1" };
    expect((await cli.run(["check", "-c", file], { env: refused })).stdout).not.toContain(ansi);
  });

  it.skipIf(process.platform !== "linux")("has colour on a terminal", async () => {
    const { stdout } = await cli.shell(`script -qec "$healthspan check -c ${twoChecks()}" /dev/null`);
    expect(stdout).toContain(`${ansi}31munhealthy${ansi}0m`);
  });

  it("ends quietly, with the command's own exit code, when its reader has seen enough", async () => {
    const line = `{ $healthspan check -c ${twoChecks()} --json; echo "code $?" >&2; } | head -c 1`;
    const { stderr } = await cli.shell(line);
    expect(stderr).toBe("code 1\n");
    expect((await cli.shell('{ $healthspan schema; echo "code $?" >&2; } | head -1')).stderr).toBe("code 0\n");
  });

  it.skipIf(!existsSync("/dev/full"))("is one line and a failure when it cannot be written", async () => {
    const check = await cli.shell(`$healthspan check -c ${twoChecks()} > /dev/full`);
    expect(check).toMatchObject({ code: 3, stderr: "healthspan: cannot write the output (ENOSPC)\n" });
    const schema = await cli.shell("$healthspan schema > /dev/full");
    expect(schema).toMatchObject({ code: 74, stderr: "healthspan: cannot write the output (ENOSPC)\n" });
  });

  it("may be closed from the start", async () => {
    expect(await cli.shell(`$healthspan check -c ${twoChecks()} >&- 2>&-`)).toMatchObject({ code: 1, stdout: "" });
  });
});

describe("the command line", () => {
  it("says its version and helps with examples", async () => {
    expect(await cli.run(["--version"])).toMatchObject({ code: 0, stdout: `${agentVersion}\n` });
    const help = await cli.run(["--help"]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    for (const command of ["run", "init", "validate", "check", "doctor", "probe", "rules", "schema", "demo"]) {
      expect(help.stdout).toMatch(new RegExp(`^ {2}${command} `, "m"));
      for (const words of [
        [command, "--help"],
        ["help", command],
      ]) {
        expect(await cli.run(words)).toMatchObject({
          code: 0,
          stdout: expect.stringContaining(`Examples:\n  healthspan ${command}`),
        });
      }
    }
    expect((await cli.run(["help"])).stdout).toBe(help.stdout);
  });

  it.each([
    [["chek"], "healthspan: unknown command 'chek' (Did you mean check?)", 64],
    [["version"], "healthspan: unknown command 'version'; healthspan --help lists them", 64],
    [["help", "chek"], "healthspan: unknown command 'chek' (Did you mean check?)", 64],
    [["help", "nosuch"], "healthspan: unknown command 'nosuch'; healthspan --help lists them", 64],
    [["https://u:s3cret@x/"], "healthspan: a URL is no command; healthspan check takes one", 64],
    [["run", "-c", ""], /^healthspan: option '-c, --config <path>' argument '' is invalid\. Write the path/, 64],
    [["init", "-o", ""], /^healthspan: option '-o, --output <file>' argument '' is invalid\. Write the path/, 64],
    [["doctor", "http://a:%zz@x"], /^healthspan: this URL has a `%` that encodes nothing; write it as `%25`$/, 3],
    [["doctor", "9464"], /^healthspan: this is no http or https URL; write one such as http:\/\/127\.0\.0\.1:9464$/, 3],
    [["my.yaml"], "healthspan: unknown command 'my.yaml'; a file is named by --config my.yaml", 64],
    [["run", "my.yaml"], "healthspan: too many arguments for 'run'; a file is named by --config my.yaml", 64],
    [["validate", "-c", "a.yaml", "b.yaml"], /'validate'; a file is named by --config b\.yaml$/, 3],
    [["init", "--stdout", "--force"], /^healthspan: option '--stdout' cannot be used with option '--force'/, 64],
    [["doctor", "--timeout", "5"], /^healthspan: option '--timeout <duration>' argument '5' is invalid\./, 3],
    [["doctor", "localhost:9464"], /^healthspan: this is no http or https URL; .*http:\/\/localhost:9464/, 3],
    [["doctor", "--token", "two\nlines"], /^healthspan: --token holds no token; write it there as one line/, 3],
    [["doctor", "--token-file", "/"], "healthspan: / cannot be read: it is a folder; name the file in it", 3],
    [["check", "--json", "--explain"], /^healthspan: option '--explain' cannot be used with option '--json'/, 3],
    [["doctor", "--token-file", "/nowhere"], "healthspan: /nowhere cannot be read: there is no such file", 3],
    [["doctor", "--token", "a", "--token-file", "b"], /^healthspan: --token and --token-file do not go together/, 3],
    [["--confg", "x"], "healthspan: unknown option '--confg' (Did you mean --config?)", 64],
    [["run", "--log-level", "loud"], /^healthspan: option '--log-level <level>' argument 'loud' is invalid\./, 64],
    [["demo", "--port", "70000"], /^healthspan: option '--port <number>' argument '70000' is invalid\./, 64],
    [
      ["demo", "--otlp", "collector:4318"],
      /^healthspan: option '--otlp <url>' argument 'collector:4318' is invalid\./,
      64,
    ],
    [
      ["check", "http://"],
      "healthspan: this is no URL; write one such as https://example.org/, with a password percent-encoded",
      3,
    ],
    [["check", "--jsn"], "healthspan: unknown option '--jsn' (Did you mean --json?)", 3],
    [["validate", "extra"], /^healthspan: too many arguments for 'validate'/, 3],
    [["probe", "--timeout", "25h", "http://x"], /^healthspan probe: --timeout takes a duration up to 24h/, 1],
    [["probe", "ftp://u:s3cret@x"], /^healthspan probe: this is no http or https URL; write one such as/, 1],
    [["probe", "http://a:%zz@x"], /^healthspan probe: this URL has a `%` that encodes nothing; write it as `%25`$/, 1],
  ])("says in one line what is wrong with %j", async (words, message, code) => {
    const ended = await cli.run(words);
    expect(ended).toMatchObject({ code, stdout: "" });
    expect(lines(ended.stderr)).toEqual([typeof message === "string" ? message : expect.stringMatching(message)]);
  });
});

describe("healthspan validate", () => {
  it("names every mistake with its place, one a line, and exits 3", async () => {
    const file = write("checks:\n  - name: web\n    kind: http\n    intervall: 5s\n  - name: web\n    kind: redsi\n");
    const { code, stdout, stderr } = await cli.run(["validate", "-c", file]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(lines(stderr).length).toBeGreaterThanOrEqual(3);
    for (const line of lines(stderr)) expect(line.startsWith(`${file}:`)).toBe(true);
    expect(stderr).toMatch(/:4:5 checks\[0\]\.intervall: .*`interval`/);
    expect(stderr).toMatch(/:6:11 checks\[1\]\.kind: .*`redis`/);
  });

  it("says what is usable, and prints effective values without secrets", async () => {
    const file = write({ checks: [{ ...good("web"), headers: { authorization: secret } }] });
    const valid = await cli.run(["validate", "-c", file]);
    expect(valid).toMatchObject({ code: 0, stderr: "" });
    expect(valid.stdout).toContain(`valid: 1 check from ${file}`);
    const { stdout } = await cli.run(["validate", "--print"], { env: { HEALTHSPAN_CONFIG: file } });
    expect(stdout).toMatch(/interval: 30s # default/);
    expect(stdout).toContain("***");
    expect(stdout).not.toContain(secret);
  });

  it("says of each file that cannot be read what to do about that", async () => {
    mkdirSync(join(folder, "sub.yaml"));
    writeFileSync(join(folder, "utf16.yaml"), Buffer.from("\uFEFFchecks: []\n", "utf16le"));
    const { stderr } = await cli.run(["validate", "-c", folder]);
    expect(lines(stderr)).toEqual([
      expect.stringMatching(/sub\.yaml: cannot be read: it is a directory; name it by --config of its own$/),
      expect.stringMatching(/utf16\.yaml: cannot be read: it is no UTF-8 text; save it as UTF-8$/),
    ]);
  });

  it("says which file is missing", async () => {
    const { code, stderr } = await cli.run(["validate", "-c", "/nowhere.yaml"]);
    expect(code).toBe(3);
    expect(stderr).toBe("/nowhere.yaml: cannot be read: there is no such file; correct the path, or create it\n");
  });
});

describe("healthspan schema", () => {
  it("prints a JSON Schema that knows every kind", async () => {
    const { code, stdout } = await cli.run(["schema"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ $schema: expect.stringContaining("json-schema.org") });
    for (const kind of ["postgres", "redis", "http", "tcp"]) expect(stdout).toContain(`"${kind}"`);
  });
});

describe("healthspan probe", () => {
  let target: Server;
  let url: string;
  let status = 200;
  let body = "OK";

  beforeAll(async () => {
    target = createServer((req, res) => {
      if (req.url === "/hang") return;
      res.writeHead(status).end(body);
    }).listen(0, "127.0.0.1");
    await once(target, "listening");
    url = `http://127.0.0.1:${(target.address() as AddressInfo).port}`;
  });

  afterAll(() => {
    target.closeAllConnections();
    target.close();
  });

  it("exits 0 for a good answer", async () => {
    [status, body] = [204, ""];
    expect(await cli.run(["probe", url])).toMatchObject({ code: 0, stdout: "204 No Content\n", stderr: "" });
  });

  it("exits 1 with the reason for a bad answer, and follows no redirect", async () => {
    [status, body] = [503, JSON.stringify({ status: "unhealthy", reason: "redis is\u001B[31m unhealthy" })];
    expect(await cli.run(["probe", url])).toMatchObject({
      code: 1,
      stdout: "",
      stderr: "503 Service Unavailable: redis is [31m unhealthy\n",
    });
    [status, body] = [302, ""];
    expect((await cli.run(["probe", url])).code).toBe(1);
  });

  it("exits 1 for no answer: nobody there, or not in time", async () => {
    const refused = await cli.run(["probe", `http://127.0.0.1:${closedPort}/`]);
    expect(refused).toMatchObject({ code: 1, stderr: "no answer (ECONNREFUSED)\n" });
    const late = await cli.run(["probe", "--timeout", "100ms", `${url}/hang`]);
    expect(late).toMatchObject({ code: 1, stderr: "no answer within 100 ms\n" });
  });

  it("strips what a target puts beside its status of control characters", async () => {
    const rude = await startPeer((socket) =>
      socket.end("HTTP/1.1 503 \u009B31mred\r\nContent-Length: 0\r\n\r\n", "latin1"),
    );
    const { stderr } = await cli.run(["probe", `http://127.0.0.1:${rude.port}/`]);
    await rude.close();
    expect(stderr).toBe("503 31mred\n");
  });

  it("loads nothing but its own file", async () => {
    for (const name of ["main.js", "probe.js"]) cpSync(join(cli.folder, name), join(folder, name));
    [status, body] = [200, "OK"];
    expect(await cli.shell(`${process.execPath} ${folder}/main.js probe ${url}`)).toMatchObject({
      code: 0,
      stderr: "",
    });
  });
});

describe("healthspan run", () => {
  const start = async (config: ConfigFile, words: readonly string[] = []): Promise<{ url: string; agent: Running }> => {
    const agent = cli.start(["run", "-c", write(config), ...words]);
    running = agent;
    const [url] = await agent.says(/http:\/\/127\.0\.0\.1:\d+/);
    return { url, agent };
  };
  const logOf = (agent: Running) => lines(agent.output()).map((line) => JSON.parse(line) as Record<string, unknown>);
  const statusOf = (url: string): Promise<number> =>
    new Promise((resolve, reject) => {
      get(url, { agent: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      }).on("error", reject);
    });

  it("logs its life as JSON lines, one per change", async () => {
    const { agent } = await start({ checks: [{ ...good("web"), interval: "100ms", timeout: "100ms" }] });
    await agent.says(/first report/);
    await new Promise((resolve) => setTimeout(resolve, 600));
    agent.process.kill("SIGTERM");
    expect(await agent.ended).toMatchObject({ code: 0, stderr: "" });
    const messages = logOf(agent).map(({ msg }) => String(msg));
    expect(messages.filter((message) => message.includes("web"))).toEqual([
      "check web registered: http, optional, every 100ms",
      "check web is healthy",
    ]);
    expect(messages.at(-1)).toBe("stopped");
  });

  it("ends with exit code 1 and every problem when the configuration cannot be used", async () => {
    const file = write("checks:\n  - name: web\n    kind: htp\nserver: { prt: 1 }\n");
    const { code, stdout, stderr } = await cli.run(["run", "-c", file]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(lines(stderr).map((line) => /:(\d+:\d+) /.exec(line)?.[1])).toEqual(["3:11", "4:11"]);
  });

  it("says in one line that its port is in use", async () => {
    const { port } = web.address() as AddressInfo;
    const { code, stderr } = await cli.run(["run", "-c", write({ server: { port }, checks: [good("web")] })]);
    expect(code).toBe(1);
    expect(lines(stderr)).toEqual([expect.stringMatching(new RegExp(`^healthspan: .*${port}.*in use`))]);
  });

  it("says what the environment names when there is no file", async () => {
    const port = await freePort();
    const env = {
      REDIS_URL: `redis://:${encodeURIComponent(secret)}@127.0.0.1:${closedPort}`,
      HEALTHSPAN_PORT: `${port}`,
    };
    running = cli.start(["run"], { cwd: folder, env });
    await running.says(/found redis: REDIS_URL is set \(redis, optional\)/);
    await running.says(/--config/);
    await running.says(/first report|in use/);
    expect(running.output()).not.toContain(secret);
    expect(running.output()).not.toContain(encodeURIComponent(secret));
  });

  it("reads its files again on SIGHUP, and keeps what it has when they are bad", async () => {
    const { url, agent } = await start({ checks: [good("web")] });
    await agent.says(/first report/);
    write({ checks: [good("web"), good("second")] });
    agent.process.kill("SIGHUP");
    await agent.says(/configuration reloaded: 1 added/);
    write("checks: [{ name: web, kind: htp }]");
    agent.process.kill("SIGHUP");
    await agent.says(/reload refused[^\n]*htp/);
    expect(await statusOf(`${url}/health/second`)).toBe(200);
  });

  it("goes on when whoever reads its log has gone", async () => {
    const { url, agent } = await start({ checks: [{ ...good("web"), interval: "200ms", timeout: "200ms" }] });
    await agent.says(/first report/);
    agent.process.stdout?.destroy();
    agent.process.stderr?.destroy();
    for (let turn = 0; turn < 3; turn += 1) {
      agent.process.kill("SIGHUP");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(await statusOf(`${url}/readyz`)).toBe(200);
    agent.process.kill("SIGTERM");
    const [code] = await once(agent.process, "exit");
    expect(code).toBe(0);
  });

  /** Code that is run in the agent's process before its own. */
  const injected = (code: string) => ({ NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` });

  /** Sends the process a signal while it writes the line that has `words` in it. */
  const signalAt = (words: string, signal: string) => `
    const write = process.stdout.write.bind(process.stdout);
    process.stdout.write = (text, ...more) => {
      if (String(text).includes("${words}")) process.kill(process.pid, "${signal}");
      return write(text, ...more);
    };`;

  it("says one line and exits 70 after an exception that nobody caught", async () => {
    const code = 'process.once("SIGUSR2", () => { throw new Error("a bug"); })';
    const agent = cli.start(["run", "-c", write({ checks: [good("web")] })], { env: injected(code) });
    running = agent;
    await agent.says(/first report/);
    agent.process.kill("SIGUSR2");
    expect(await agent.ended).toMatchObject({ code: 70, stderr: "" });
    expect(logOf(agent).at(-1)).toMatchObject({
      level: "error",
      msg: "ended by an error of healthspan itself",
      error: "a bug",
    });
  });

  it("goes on after a rejection that nobody handled, and says each once", async () => {
    const code = 'process.on("SIGUSR2", () => { void Promise.reject(new Error("left behind")); })';
    const agent = cli.start(["run", "-c", write({ checks: [good("web")] })], { env: injected(code) });
    running = agent;
    await agent.says(/first report/);
    for (let turn = 0; turn < 3; turn += 1) {
      agent.process.kill("SIGUSR2");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await agent.says(/left behind/);
    agent.process.kill("SIGTERM");
    expect(await agent.ended).toMatchObject({ code: 0, stderr: "" });
    expect(logOf(agent).filter(({ error }) => error === "left behind")).toHaveLength(1);
  });

  describe("told to end", () => {
    let hung: SocketPeer;
    let collector: SocketPeer;

    beforeAll(async () => {
      hung = await startPeer(blackhole);
      collector = await startPeer(blackhole);
    });

    afterAll(async () => {
      await hung.close();
      await collector.close();
    });

    it("is not ready at once, alive to the end, and gone in time, though a check hangs and no Collector answers", async () => {
      const checks = [
        { name: "hung", kind: "http", url: `http://127.0.0.1:${hung.port}/`, interval: "60s", timeout: "30s" },
        { ...good("web"), critical: true, interval: "100ms", timeout: "100ms" },
      ];
      const telemetry = { otlp: { endpoint: `http://127.0.0.1:${collector.port}` } };
      const { url, agent } = await start({ checks, telemetry, server: { port: 0, drainDelay: "1s" } });
      await agent.says(/check web is healthy/);
      await expect.poll(() => statusOf(`${url}/readyz`)).toBe(200);
      const seen = pollUntilGone(url, statusOf);
      agent.process.kill("SIGTERM");
      await agent.says(/SIGTERM: stopping/);
      const signalled = performance.now();
      expect(await statusOf(`${url}/readyz`)).toBe(503);
      expect(await agent.ended).toMatchObject({ code: 0 });
      // 1 s of drain, closing, and at most 3 s for telemetry.
      expect(performance.now() - signalled).toBeLessThan(8_000);
      const { live } = await seen;
      expect(live.length).toBeGreaterThan(5);
      expect(new Set(live)).toEqual(new Set([200]));
    });

    it.each(["SIGTERM", "SIGINT"])("while it starts, it ends by %s as soon as it runs", async (signal) => {
      const file = write({ checks: [good("web")], server: { port: 0, drainDelay: "60s" } });
      const agent = cli.start(["run", "-c", file], { env: injected(signalAt("listens on", signal)) });
      running = agent;
      expect(await agent.ended).toMatchObject({ code: 0, stderr: "" });
      expect(logOf(agent).at(-1)).toMatchObject({ msg: "stopped" });
    });

    it("reads its files again for a SIGHUP that came while it started", async () => {
      const file = write({ checks: [good("web")] });
      const agent = cli.start(["run", "-c", file], { env: injected(signalAt("listens on", "SIGHUP")) });
      running = agent;
      await agent.says(/configuration reloaded/);
    });

    it.each([
      ["SIGTERM", 143],
      ["SIGINT", 130],
    ] as const)("ends at once by a second %s", async (signal, code) => {
      const { agent } = await start({ checks: [good("web")], server: { port: 0, drainDelay: "60s" } });
      await agent.says(/first report/);
      agent.process.kill(signal);
      await agent.says(/draining/);
      agent.process.kill(signal);
      expect(await agent.ended).toMatchObject({ code });
    });

    it.skipIf(process.platform !== "linux")("drains without delay by Ctrl-C at a terminal", async () => {
      const file = write({ checks: [good("web")], server: { port: 0, drainDelay: "60s" } });
      // The terminal that script makes gives Ctrl-C to the agent as it does to people.
      const waitFor = (words: string) => `until grep -q "${words}" ${folder}/typed; do sleep 0.1; done`;
      const keys = `{ ${waitFor("first report")}; printf '\\003'; ${waitFor("stopped")}; }`;
      const line = `${keys} | script -qefc "exec $healthspan run -c ${file}" ${folder}/typed; echo "code \${PIPESTATUS[1]}"`;
      const { stdout } = await cli.shell(line);
      expect(stdout).toContain("SIGINT: stopping");
      expect(stdout).toContain("INFO");
      expect(stdout).toMatch(/open http:\S+ for the status page; `healthspan doctor http:\S+` walks the agent/);
      expect(stdout).toContain("stopped");
      expect(stdout).toContain("code 0");
    });
  });
});

/** Asks for liveness until nobody answers. */
async function pollUntilGone(
  url: string,
  statusOf: (url: string) => Promise<number>,
): Promise<{ readonly live: readonly number[] }> {
  const live: number[] = [];
  for (;;) {
    try {
      live.push(await statusOf(`${url}/livez`));
    } catch {
      return { live };
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
