import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { localDisk } from "../../src/config/disk.js";
import { loadConfig } from "../../src/config/load-config.js";
import { configOf, optionsOf } from "./load.js";

const folder = fileURLToPath(new URL("../../examples/", import.meta.url));
/** An overlay is no config by itself. */
const overlays = ["environments/production.yaml"];
const all = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".yaml"));
const whole = all.filter((name) => !overlays.includes(name));

/** Secrets lie where a container has them; here is one for each. */
const disk = {
  ...localDisk,
  read: (path: string) => (path.startsWith("/run/secrets/") ? Buffer.from("a-secret\n") : localDisk.read(path)),
};
/** What the examples leave to the environment on purpose. */
const env = {
  DATABASE_URL: "postgres://app:secret@db/app",
  ORDERS_DATABASE_URL: "postgres://watch:secret@orders/orders",
  BACKUP_TOKEN: "a-secret",
  REDIS_URL: "redis://cache:6379",
};

const load = (...names: readonly string[]) =>
  loadConfig({
    files: names.map((name) => join(folder, name)),
    env,
    hostname: "box",
    disk,
    consents: ["--allow-exec"],
  });

describe("the examples", () => {
  it("are found, those in folders too", () => {
    expect(all.length).toBeGreaterThan(15);
    expect(all).toEqual(expect.arrayContaining([...overlays, "environments/base.yaml", "fleet.yaml", "sidecar.yaml"]));
  });

  it.each(whole)("%s loads, and checks something", (name) => {
    expect(configOf(load(name)).checks.length).toBeGreaterThan(0);
  });

  it("fleet.yaml is ready whatever it watches, and knows whom each check belongs to", () => {
    const { server, checks } = configOf(load("fleet.yaml"));
    expect(server.readiness).toBe("agent");
    expect(checks.every(({ policy }) => policy.owner !== undefined)).toBe(true);
  });

  it("sidecar.yaml gates on the database alone, and shows details for a token only", () => {
    const { server, checks } = configOf(load("sidecar.yaml"));
    expect(server).toMatchObject({
      host: "0.0.0.0",
      token: "a-secret",
      trustLoopback: false,
      readiness: "dependencies",
    });
    expect(checks.filter(({ policy }) => policy.critical).map(({ policy }) => policy.name)).toEqual(["database"]);
  });

  it("milvus-service.yaml turns at the first failed run, on the port of the hand-written service", () => {
    const { server, checks } = configOf(load("milvus-service.yaml"));
    expect(server.port).toBe(9091);
    const milvus = checks.find(({ policy }) => policy.name === "milvus");
    expect(milvus?.policy).toMatchObject({ critical: true, failureThreshold: 1 });
    expect(milvus?.policy.intervalMs).toBeLessThanOrEqual(2_000);
  });
});

describe("examples/environments", () => {
  const names = (...files: readonly string[]) => configOf(load(...files)).checks.map(({ policy }) => policy.name);

  it("work as they are on a developer's machine", () => {
    const { service, server } = configOf(load("environments/base.yaml"));
    expect(service.environment).toBe("development");
    expect(server.host).toBe("127.0.0.1");
    expect(names("environments/base.yaml")).toEqual(["database", "cache", "mail-catcher"]);
  });

  it("become production by the second file: values replaced, taken away and added", () => {
    const config = configOf(load("environments/base.yaml", "environments/production.yaml"));
    expect(config.service).toMatchObject({ name: "checkout-api", environment: "production" });
    expect(config.checks.map(({ policy }) => policy.name)).toEqual(["database", "cache", "mail"]);
    expect(config.checks[0]?.policy).toMatchObject({ critical: true, intervalMs: 10_000, owner: "payments" });
    expect(config.checks[1]?.policy).toMatchObject({ critical: true, intervalMs: 60_000, timeoutMs: 3_000 });
    expect(optionsOf(config, "cache").url).toBe(env.REDIS_URL);
  });

  it("do not start in production without the variables that it names", () => {
    const files = ["base.yaml", "production.yaml"].map((name) => join(folder, "environments", name));
    const result = loadConfig({ files, env: {}, hostname: "box", disk });
    expect(result.ok ? [] : result.problems.map(({ path }) => path)).toEqual(["checks[0].url", "checks[1].url"]);
  });
});

describe("examples/README.md", () => {
  it("lists each of them, programs and Compose files too", () => {
    const page = readFileSync(join(folder, "README.md"), "utf8");
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => /\w\.\w+$/.test(name));
    expect(files).toEqual(expect.arrayContaining(["rag-service.ts", "milvus-compose.yml", "otlp-sink.mjs"]));
    expect(files.filter((name) => name !== "README.md" && !page.includes(`](${name})`))).toEqual([]);
  });
});
