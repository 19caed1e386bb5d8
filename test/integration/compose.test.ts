import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { readCompose } from "../compose/compose-file.js";
import { requireServer, serverPath } from "../servers/available.js";

const execute = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const scratch = mkdtempSync(join(tmpdir(), "healthspan-compose-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const files = ["docker-compose.yml", "examples/milvus-compose.yml"].map((name) => join(root, name));

interface Resolved {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly image: string;
        readonly command?: readonly string[] | null;
        readonly environment?: Readonly<Record<string, string>>;
        readonly profiles?: readonly string[];
        readonly depends_on?: Readonly<Record<string, { condition: string }>>;
      }
    >
  >;
}

describe.skipIf(!requireServer("compose-go"))("a Compose file, read by Compose's own library", () => {
  /** The library's own program replaces variables by their defaults, whatever the environment says. */
  const load = (path: string): Resolved => {
    const words = ["-format", "json", basename(path)];
    const options = { cwd: dirname(path), stdio: "pipe", encoding: "utf8" } as const;
    return JSON.parse(execFileSync(serverPath("compose-go"), words, options));
  };

  it.each(files.map((file) => [basename(file), file] as const))(
    "is valid, and read as our checks read it: %s",
    (_, file) => {
      const { services } = load(file);
      const own = readCompose(file);
      expect(Object.keys(services).sort()).toEqual(own.services.map(({ name }) => name).sort());
      // A Compose file again, so a dollar sign is doubled in it.
      const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null).replaceAll("$$", "$"));
      for (const { name, image, command, environment, profiles, dependencies, raw } of own.services) {
        const seen = services[name];
        expect([seen?.image, seen?.profiles ?? []]).toEqual([image, profiles]);
        expect(plain(seen?.environment ?? {})).toEqual(environment);
        if (raw.entrypoint === undefined) expect(plain(seen?.command ?? [])).toEqual(command);
        const conditions = Object.entries(seen?.depends_on ?? {}).map(([on, { condition }]) => ({ on, condition }));
        const byName = (one: { on: string }, other: { on: string }) => one.on.localeCompare(other.on);
        expect(conditions.sort(byName)).toEqual([...dependencies].sort(byName));
      }
    },
  );

  it.each([
    ["no profile", []],
    ["logs", ["loki"]],
    ["lite", ["agent-lite", "lgtm"]],
  ])("is valid and whole with %s", (profile, added) => {
    const path = join(root, "docker-compose.yml");
    const whole = parse(readFileSync(path, "utf8"), { merge: true });
    const isActive = (service: { profiles?: readonly string[] }): boolean =>
      service.profiles?.includes(profile) ?? true;
    const services = Object.fromEntries(
      Object.entries(whole.services).filter(([, service]) => isActive(service as object)),
    );
    const part = join(scratch, "docker-compose.json");
    writeFileSync(part, JSON.stringify({ ...whole, services }));
    const names = Object.keys(load(part).services);
    expect(names).toEqual(expect.arrayContaining(added));
    expect(names).toHaveLength(11 + added.length);
    // Everything that is waited for is started.
    const waited = readCompose(part).services.flatMap(({ dependencies }) => dependencies.map(({ on }) => on));
    for (const name of waited) expect(names).toContain(name);
  });

  it.each([
    ["a key that does not exist", "services: { a: { image: x, helthcheck: {} } }"],
    ["a port that is none", 'services: { a: { image: x, ports: ["127.0.0.1:eighty:80"] } }'],
    ["a list where a mapping belongs", "services: [a]"],
  ])("is refused with %s", (_what, text) => {
    const path = join(scratch, "bad.yml");
    writeFileSync(path, text);
    expect(() => load(path)).toThrow();
  });
});

describe.skipIf(!requireServer("otelcol"))("the Collector's command in docker-compose.yml", () => {
  it.each(["", "logs"])("is valid for the real Collector with profile '%s'", async (profiles) => {
    const { services } = readCompose(join(root, "docker-compose.yml"), { COMPOSE_PROFILES: profiles });
    const collector = services.find(({ name }) => name === "collector");
    const path = (inside: string) => collector?.mounts.find(({ target }) => target === inside)?.source ?? inside;
    const words = collector?.command.map((word) => `--config=${path(word.replace("--config=", ""))}`) ?? [];
    expect(words).toHaveLength(2);
    const env = { ...collector?.environment, HEALTHSPAN_COLLECTOR_STORAGE: join(scratch, "queue") };
    await execute(serverPath("otelcol"), ["validate", ...words], { env });
    const printed = await execute(serverPath("otelcol"), ["print-config", ...words], { env }).catch(() => undefined);
    if (printed) expect(printed.stdout.includes("otlp_http/loki")).toBe(profiles === "logs");
  });
});

describe("the alert receiver", () => {
  const running = new Set<ChildProcess>();
  afterEach(() => {
    for (const child of running) child.kill("SIGKILL");
    running.clear();
  });

  async function start(env: Readonly<Record<string, string>> = {}) {
    const child = spawn(process.execPath, [join(root, "deploy/compose/alert-receiver.mjs")], {
      env: { PORT: "0", ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    running.add(child);
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    await expect.poll(() => output).toMatch(/port \d+\n/);
    const url = `http://127.0.0.1:${/port (\d+)/.exec(output)?.[1]}`;
    const post = (path: string, body: string) =>
      fetch(url + path, { method: "POST", body }).then(({ status }) => status);
    /** Without the time at their beginning. */
    const lines = () =>
      output
        .trimEnd()
        .split("\n")
        .slice(1)
        .map((line) => line.replace(/^\S+ /, ""));
    return { child, url, post, lines };
  }

  it("writes a line for each alert, whatever is in it", async () => {
    const { post, lines, url } = await start();
    const labels = { alertname: "HealthCheckUnhealthy", severity: "critical", health_check_name: "database" };
    const alerts = [
      { status: "firing", labels, annotations: { summary: "database\nis down" } },
      { status: "resolved", labels: { alertname: "Other" } },
    ];
    expect(await post("/alerts", JSON.stringify({ alerts }))).toBe(200);
    expect(await post("/events", "no JSON\u001b[2J")).toBe(200);
    expect((await fetch(url)).status).toBe(200);
    await expect
      .poll(lines)
      .toEqual([
        "/alerts firing HealthCheckUnhealthy health_check_name=database severity=critical : database is down",
        "/alerts resolved Other",
        "/events no webhook of Alertmanager: no JSON [2J",
      ]);
  });

  it("tells of the watchdog once, and when it stops", async () => {
    const { post, lines } = await start({ WATCHDOG_MS: "300" });
    const body = JSON.stringify({ alerts: [{ status: "firing", labels: { alertname: "Watchdog" } }] });
    for (let time = 0; time < 3; time++) await post("/watchdog", body);
    await expect
      .poll(lines, { timeout: 10_000 })
      .toEqual([expect.stringContaining("Alerts can reach us"), expect.stringContaining("NOTHING for 0.3 s")]);
    await post("/watchdog", body);
    await expect.poll(() => lines()[2]).toContain("Alerts can reach us");
  });

  it("ends by SIGTERM", async () => {
    const { child } = await start();
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
  });
});

describe("passwords of one's own", () => {
  it.skipIf(!requireServer("openssl"))(
    "are made by the commands of the README, one for each that is read",
    async () => {
      const readme = readFileSync(join(root, "deploy/compose/secrets/README.md"), "utf8");
      const [, commands = ""] = /```sh\n([\s\S]*?)```/.exec(readme) ?? [];
      const folder = mkdtempSync(join(scratch, "own-"));
      await execute("sh", ["-e", "-c", commands], { cwd: folder });
      const [, value = ""] = /^HEALTHSPAN_SECRETS=(.*)$/m.exec(readFileSync(join(folder, ".env"), "utf8")) ?? [];
      expect(value).toBe(join(folder, "secrets"));
      const paths = files.flatMap((file) => Object.values(readCompose(file, { HEALTHSPAN_SECRETS: value }).secrets));
      expect(paths.length).toBeGreaterThan(6);
      for (const path of paths) expect(readFileSync(path, "utf8")).toMatch(/\S/);
      expect(readFileSync(join(value, "milvus_user.yaml"), "utf8")).toContain(
        readFileSync(join(value, "minio_root_password"), "utf8").trim(),
      );
    },
  );
});

describe("npm run compose", () => {
  /** Stands for `docker`: writes down how it was called, and answers `config` and `version` as Compose does. */
  const fake = (exit = 0, { version = 0 } = {}): string => {
    const folder = mkdtempSync(join(scratch, "docker-"));
    const port = (target: number, published: string) => ({ target, published });
    const services = {
      agent: { ports: [port(9464, "9464")] },
      "agent-lite": { ports: [port(9464, "9464")] },
      grafana: { ports: [port(3000, "3100")] },
      lgtm: { ports: [port(3000, "3100")] },
      prometheus: { ports: [port(9090, "9090")] },
      alertmanager: { ports: [port(9093, "9093")] },
      collector: { ports: [port(4317, "4317"), port(4318, "4318")] },
    };
    const script = [
      "#!/bin/sh",
      `[ "$*" = "compose version" ] && exit ${version}`,
      'echo "$COMPOSE_PROFILES: $*" >> "$(dirname "$0")/calls"',
      `case "$*" in *config*) echo '${JSON.stringify({ services })}' ;; *) exit ${exit} ;; esac`,
    ].join("\n");
    writeFileSync(join(folder, "docker"), script);
    chmodSync(join(folder, "docker"), 0o755);
    return folder;
  };
  const run = async (folder: string, ...words: readonly string[]) => {
    const env = { PATH: `${folder}:/usr/bin:/bin` };
    const { stdout, stderr, code } = await execute(process.execPath, [join(root, "scripts/compose.mjs"), ...words], {
      env,
    })
      .then(({ stdout, stderr }) => ({ stdout, stderr, code: 0 }))
      .catch((error: { stdout: string; stderr: string; code: number }) => error);
    return { stdout, stderr, code };
  };
  const calls = (folder: string) => readFileSync(join(folder, "calls"), "utf8").trim().split("\n");

  it.each([
    [[], ": compose up --detach --build --wait"],
    [["logs"], "logs: compose up --detach --build --wait"],
    [["lite"], ": compose up --detach --build --wait agent-lite"],
  ])("with %j starts what it says and prints where Grafana is", async (words, call) => {
    const docker = fake();
    const { stdout, code } = await run(docker, ...words);
    expect(code).toBe(0);
    expect(calls(docker)[0]).toBe(call);
    expect(stdout).toMatch(/^Grafana +http:\/\/localhost:3100$/m);
    expect(stdout).toMatch(/^Agent +http:\/\/localhost:9464\/readyz$/m);
  });

  it("ends everything, whatever was started", async () => {
    const docker = fake();
    expect((await run(docker, "down")).code).toBe(0);
    expect(calls(docker)).toEqual([": compose --profile * down"]);
  });

  it("says what to look at when not everything came up, and prints no address", async () => {
    const { code, stdout, stderr } = await run(fake(3));
    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toContain("docker compose ps");
  });

  it("names what is missing where docker has no Compose", async () => {
    const docker = fake(0, { version: 1 });
    expect(await run(docker, "down")).toMatchObject({ code: 1, stderr: expect.stringContaining("has no Compose") });
    expect(existsSync(join(docker, "calls"))).toBe(false);
  });

  it("refuses a word that it does not know, and a machine without docker", async () => {
    expect(await run(fake(), "logz")).toMatchObject({ code: 1, stderr: expect.stringContaining("Usage") });
    const empty = mkdtempSync(join(scratch, "empty-"));
    const { status, stderr } = await new Promise<{ status: number | null; stderr: string }>((resolve) => {
      execFile(process.execPath, [join(root, "scripts/compose.mjs")], { env: { PATH: empty } }, (error, _out, stderr) =>
        resolve({ status: (error?.code as number | undefined) ?? 0, stderr }),
      );
    });
    expect(status).toBe(1);
    expect(stderr).toContain("npm run stack");
  });

  it("prints addresses of services and ports that the Compose file has", () => {
    const source = readFileSync(join(root, "scripts/compose.mjs"), "utf8");
    const { services } = readCompose(join(root, "docker-compose.yml"));
    const asked = [...source.matchAll(/at\("([\w-]+)", (\d+)\)/g)];
    expect(asked.length).toBeGreaterThan(6);
    for (const [, name, port] of asked) {
      const service = services.find((candidate) => candidate.name === name);
      expect(
        service?.ports.some((published) => published.endsWith(`:${port}`)),
        `${name}:${port}`,
      ).toBe(true);
    }
  });
});
