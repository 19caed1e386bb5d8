import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requireServer, serverPath } from "../servers/available.js";
import { buildCommandLine, type CommandLine } from "../servers/command-line.js";
import { freePort } from "../servers/free-port.js";
import { PostgresServer } from "../servers/postgres.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");

/** What the README has the reader paste into that file. */
const pastedInto = (file: string): string =>
  new RegExp(`> ${file} <<'YAML'\\n([\\s\\S]*?)^YAML$`, "m").exec(readme)?.[1] ?? "";
const pasted = pastedInto("healthspan.yaml");

/** `examples/otlp-sink.mjs`, and what it has printed. */
function startSink() {
  const sink: ChildProcess = spawn(process.execPath, [join(root, "examples/otlp-sink.mjs"), "0"]);
  let printed = "";
  const says = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const match = pattern.exec(printed);
      if (match) return match;
      if (sink.exitCode !== null) throw new Error(`the sink has ended: ${printed}`);
      await once(sink.stdout as NodeJS.ReadableStream, "data");
    }
  };
  for (const stream of [sink.stdout, sink.stderr]) stream?.on("data", (chunk: Buffer) => (printed += chunk));
  return { sink, says };
}

describe.skipIf(!requireServer("postgresql-15"))("the first ten minutes of the README", () => {
  let cli: CommandLine;
  let postgres: PostgresServer;
  let folder: string;
  const env = () => ({
    DATABASE_URL: postgres.url(),
    HEALTHSPAN_PORT: "0",
    OTEL_BSP_SCHEDULE_DELAY: "200",
    OTEL_METRIC_EXPORT_INTERVAL: "1000",
  });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "healthspan-newcomer-"));
    [cli, postgres] = await Promise.all([buildCommandLine(), PostgresServer.start({ build: "postgresql-15" })]);
    writeFileSync(join(folder, "healthspan.yaml"), pasted);
  });

  afterAll(async () => {
    await postgres?.remove();
    cli?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it("ask a database once, without a file, and show the run as a waterfall", async () => {
    const { code, stdout } = await cli.run(["check", postgres.url(), "--explain"], { cwd: folder });
    expect(stdout).toMatch(/postgres +postgres +healthy/);
    expect(stdout).toMatch(/health\.check postgres +█/);
    expect(code).toBe(0);
  });

  it("show the first trace at the sink, the metrics and the event of the change", async () => {
    const { sink, says } = startSink();
    const [, endpoint = ""] = await says(/(http:\/\/127\.0\.0\.1:\d+)/);
    const agent = cli.start([], { env: { ...env(), OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }, cwd: tmpdir() });
    try {
      await says(/^span {4}[0-9a-f]{32} {2}unset +[\d.]+ ms {2}health\.check database$/m);
      await says(/^metrics \d+ points of \d+ metrics$/m);
      await says(/^event {3}[0-9a-f]{32} {2}database is healthy {2}\(health\.check\.state_change\)$/m);
    } finally {
      agent.process.kill("SIGKILL");
      await agent.ended;
      sink.kill();
      await once(sink, "exit");
    }
  });

  it("say at the sink what to set when an SDK sends what it does not read", async () => {
    const { sink, says } = startSink();
    const [, endpoint = ""] = await says(/(http:\/\/127\.0\.0\.1:\d+)/);
    const headers = { "content-type": "application/x-protobuf" };
    try {
      expect((await fetch(`${endpoint}/v1/traces`, { method: "POST", headers, body: "x" })).status).toBe(415);
      await says(/^refused \/v1\/traces: .*OTEL_EXPORTER_OTLP_PROTOCOL=http\/json/m);
    } finally {
      sink.kill();
      await once(sink, "exit");
    }
  });

  it("have a file to paste that is valid and whose checks are healthy", async () => {
    expect(pasted).toContain("DATABASE_URL");
    const options = { env: env(), cwd: folder };
    expect((await cli.run(["validate", "--config", "healthspan.yaml"], options)).stdout).toContain("valid: 2 checks");
    expect((await cli.run(["check", "--config", "healthspan.yaml", "database"], options)).code).toBe(0);
  });

  it.skipIf(!requireServer("promtool"))("write rules that promtool takes without a word of complaint", async () => {
    const { stdout } = await cli.run(["rules", "--config", "healthspan.yaml"], { env: env(), cwd: folder });
    const rules = join(folder, "healthspan.rules.yml");
    writeFileSync(rules, stdout);
    const said = execFileSync(serverPath("promtool"), ["check", "rules", rules], { encoding: "utf8" });
    expect(said).toContain("SUCCESS");
    expect(said).not.toMatch(/FAILED|duplicate/);
  });

  it.skipIf(!requireServer("prometheus"))(
    "show an alert that fires on a Prometheus of the reader's own",
    { timeout: 120_000 },
    async () => {
      const agent = cli.start(["--config", "healthspan.yaml"], { env: env(), cwd: folder });
      const [address = ""] = await agent.says(/127\.0\.0\.1:\d+/);
      await agent.says(/check database is healthy/);
      const { stdout } = await cli.run(["rules", "--config", "healthspan.yaml"], { env: env(), cwd: folder });
      writeFileSync(join(folder, "healthspan.rules.yml"), stdout);
      const config = join(folder, "prometheus.yml");
      // All as it is in the README but for the port, which others may have here, and the pace.
      writeFileSync(config, pastedInto("prometheus.yml").replace("127.0.0.1:9464", address).replaceAll("5s", "1s"));
      const port = await freePort();
      const data = join(folder, "data");
      const words = [
        `--config.file=${config}`,
        `--storage.tsdb.path=${data}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ];
      const prometheus = spawn(serverPath("prometheus"), words, { stdio: "ignore" });
      const ended = once(prometheus, "exit");
      const get = async (path: string): Promise<string> =>
        fetch(`http://127.0.0.1:${port}/api/v1/${path}`).then((answer) => answer.text(), String);
      try {
        await expect.poll(() => get("query?query=health_check_status"), { timeout: 30_000 }).toContain("database");
        await postgres.stop();
        await expect.poll(() => get("alerts"), { timeout: 60_000 }).toMatch(/"HealthCheckUnhealthy".*"state":"firing"/);
      } finally {
        prometheus.kill("SIGKILL");
        agent.process.kill("SIGKILL");
        await Promise.all([ended, agent.ended]);
      }
    },
  );
});
