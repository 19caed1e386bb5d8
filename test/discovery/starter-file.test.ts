import { describe, expect, it } from "vitest";
import type { AgentConfig } from "../../src/config/agent-config.js";
import { loadConfig } from "../../src/config/load-config.js";
import { discoverChecks } from "../../src/discovery/discover-checks.js";
import { checksOfListeners } from "../../src/discovery/listening.js";
import { createStarterFile, type StarterOptions } from "../../src/discovery/starter-file.js";
import { kinds } from "../../src/kinds/index.js";
import { configOf, memoryDisk, optionsOf } from "../config/load.js";

const rich = {
  DATABASE_URL: "postgres://app:s3cret@db/app",
  REDIS_URL: "redis://:s3cret@cache:6379",
  MILVUS_ADDRESS: "milvus:19530",
  OPENAI_API_KEY: "sk-s3cret",
  OPENAI_BASE_URL: "https://llm.example.com/v1",
};

type Env = Readonly<Record<string, string>>;

function write(env: Env, more: Partial<StarterOptions> = {}) {
  return createStarterFile({ name: "shop", checks: discoverChecks(env), endpoint: "", env, ...more });
}

function load(text: string, env: Env = {}): AgentConfig {
  return configOf(
    loadConfig({ env, cwd: "/app", hostname: "box", disk: memoryDisk({ "/app/healthspan.yaml": text }) }),
  );
}

const names = ({ checks }: AgentConfig) => checks.map(({ policy }) => policy.name);

describe("the starter file", () => {
  it("loads, with a check for what the environment names, and no secret in it", () => {
    const { text } = write(rich);
    expect(names(load(text, rich))).toEqual(["llm_api", "database", "redis", "milvus", "system"]);
    expect(text).not.toContain("s3cret");
    expect(text).toContain("url: ${env:DATABASE_URL}");
  });

  it("loads in an empty environment, and watches the host", () => {
    const { text } = write({});
    expect(names(load(text))).toEqual(["system"]);
    expect(load(text).service.name).toBe("shop");
  });

  it.each(["a${b", "${env:HOME}", "a$$b", "$"])("takes a name for what it is: %s", (name) => {
    expect(load(write({}, { name }).text, { HOME: "elsewhere" }).service.name).toBe(name);
  });

  it("loads without a single check too", () => {
    expect(names(load(write({}, { checks: [] }).text))).toEqual([]);
  });

  it("writes as a comment what would not load, with the reason and without the value", () => {
    const env = { MILVUS_ADDRESS: "http://u:hunter2@vectors" };
    const { text, checks } = write(env);
    expect(names(load(text, env))).toEqual(["system"]);
    expect(text).toMatch(/^ {2}# MILVUS_ADDRESS is set, but this would not load \(address: is a URL\)\.$/m);
    expect(text).toMatch(/^ {2}# - name: milvus$/m);
    expect(checks.map(({ problem }) => problem)).toEqual(["address: is a URL", undefined]);
    expect(text).not.toContain("hunter2");
  });

  it("is not misled by what is wrong beside the checks, nor by a file that lies about", () => {
    const env = { ...rich, HEALTHSPAN_PORT: "x", HEALTHSPAN_CONFIG: "/nowhere.yaml" };
    expect(write(env).checks.map(({ problem }) => problem)).toEqual(Array(5).fill(undefined));
  });

  it("leaves the service's name to the environment where that says it", () => {
    const env = { OTEL_SERVICE_NAME: "from-outside" };
    expect(load(write(env, { name: undefined }).text, env).service.name).toBe("from-outside");
  });

  it("sends telemetry to the Collector that was found, unless the environment names another", () => {
    const { text } = write({}, { endpoint: "http://127.0.0.1:4318" });
    expect(load(text).telemetry.traces?.otlp.endpoint).toContain("http://127.0.0.1:4318");
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };
    expect(load(text, env).telemetry.traces?.otlp.endpoint).toContain("http://collector:4318");
    expect(load(write({}).text).telemetry.traces).toBeUndefined();
  });

  it.each([["on"], ["1.5"], ["a: b"], ['"'], ["# x"]])("takes %j for the name of a service as it is", (name) => {
    expect(load(write({}, { name, version: "1e3" }).text).service.name).toBe(name);
  });

  it("shows as comments only what can be said: it loads with every # taken away", () => {
    const env = { ...rich, HEALTHSPAN_TOKEN: "t0ken" };
    const all = uncommented(write(env, { version: "1.4.2" }).text);
    const config = load(all, env);
    expect(config.server).toMatchObject({ host: "0.0.0.0", token: "t0ken" });
    expect(config.service).toMatchObject({ version: "1.4.2", environment: "production" });
    expect(names(config)).toContain("payments");
    const database = config.checks.find(({ policy }) => policy.name === "database");
    expect(database?.policy).toMatchObject({ intervalMs: 30_000, timeoutMs: 3_000 });
  });
});

/** Lines of YAML lose their `#`; prose keeps it, which has no key at its beginning. */
function uncommented(text: string): string {
  return text.replace(/^( *)# ( *(?:- )?[a-zA-Z_]+:(?: [^ ].*)?)$/gm, "$1$2");
}

describe("checks of what listens here", () => {
  const listening =
    (...ports: readonly number[]) =>
    async (port: number) =>
      ports.includes(port) ? "127.0.0.1" : undefined;

  it("are those of the kinds whose port it is", async () => {
    const found = await checksOfListeners([], listening(6379, 19_530));
    expect(found.map(({ name, kind, because }) => [name, kind, because])).toEqual([
      ["redis", "redis", "something listens on 127.0.0.1:6379"],
      ["milvus", "milvus", "something listens on 127.0.0.1:19530"],
    ]);
    expect(names(load(write({}, { checks: found }).text))).toEqual(["redis", "milvus"]);
  });

  it("ask at the address where it listens", async () => {
    const checks = await checksOfListeners([], async () => "[::1]");
    const { text } = write({ DATABASE_URL: rich.DATABASE_URL }, { checks });
    const loaded = load(text, { DATABASE_URL: rich.DATABASE_URL });
    expect(optionsOf(loaded, "llm_api")).toMatchObject({ baseUrl: "http://[::1]:11434/v1" });
    expect(optionsOf(loaded, "milvus")).toMatchObject({ address: "[::1]:19530" });
  });

  it("are none for a kind that the environment has named", async () => {
    const env = { REDIS_URL: "redis://cache" };
    expect(await checksOfListeners(discoverChecks(env), listening(6379))).toEqual([]);
  });

  it("wait as a comment for what a port cannot tell: who signs in to the database", async () => {
    const checks = await checksOfListeners([], listening(5432));
    const { text } = write({}, { checks });
    expect(names(load(text))).toEqual([]);
    expect(text).toMatch(
      /^ {2}# Something listens on 127\.0\.0\.1:5432, but this would not load \(DATABASE_URL is not set\)\.$/m,
    );
    const env = { DATABASE_URL: rich.DATABASE_URL };
    const mended = load(uncommented(text), { ...env, HEALTHSPAN_TOKEN: "t" });
    expect(optionsOf(mended, "database")).toMatchObject({ url: env.DATABASE_URL });
  });

  it("have each a port of their own", () => {
    const ports = kinds.flatMap(({ local }) => local?.port ?? []);
    expect(ports.length).toBeGreaterThan(3);
    expect(new Set(ports).size).toBe(ports.length);
  });
});
