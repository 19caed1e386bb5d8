import { readFileSync } from "node:fs";
import { createServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kinds } from "../../src/kinds/index.js";
import { freePort } from "../servers/free-port.js";
import { type Host, ours, type Packed, Scratch } from "./scratch.js";

const { ensureBuilt } = (await import(new URL("../../scripts/build.mjs", import.meta.url).href)) as {
  ensureBuilt(): Promise<void>;
};

const api = "@opentelemetry/api";
const contextManager = "@opentelemetry/context-async-hooks";

let scratch: Scratch;
let packed: Packed;
/** A host on the 2.x SDK, which also has a driver of its own, and both lines of Express. */
let two: Host;
/** A host on API 1.10 with the 3.x SDK, and no driver. */
let three: Host;

beforeAll(async () => {
  await ensureBuilt();
  scratch = new Scratch();
  packed = await scratch.pack();
  [two, three] = await Promise.all([
    scratch.install("two", packed, {
      ...ours(api, "@opentelemetry/api-logs", "@opentelemetry/sdk-trace-node"),
      ...ours("@opentelemetry/sdk-metrics", "@opentelemetry/sdk-logs"),
      ...ours("pg", "@types/pg", "ioredis", "@types/node", "express"),
      [contextManager]: "2.12.0",
      express4: "npm:express@4.22.1",
    }),
    scratch.install("three", packed, {
      ...ours("@types/node"),
      [api]: "1.10.0",
      "@opentelemetry/sdk-trace": "3.1.1",
      "@opentelemetry/sdk-metrics": "3.1.1",
      "@opentelemetry/sdk-logs": "3.1.1",
      [contextManager]: "3.1.1",
    }),
  ]);
}, 180_000);

// Thousands of small files, on a machine that others use as well.
afterAll(() => scratch.remove(), 60_000);

describe("the tarball", () => {
  it("holds what is built, the schema and the papers, and nothing else", () => {
    const wanted = /^(dist\/.*[.](js|js[.]map|d[.]ts)|dist\/(cjs|cli)\/package[.]json|schema\/config[.]schema[.]json)$/;
    const papers = ["CHANGELOG.md", "LICENSE", "README.md", "package.json"];
    const others = packed.files.map(({ path }) => path).filter((path) => !wanted.test(path));
    expect(others.sort()).toEqual(papers);
    const outside = packed.files.filter(({ path }) => /(^|\/)(src|test|bench|page|grafana|examples)\//.test(path));
    // Of the Node.js that built it alone.
    expect(packed.files.filter(({ path }) => path.includes("code-cache"))).toEqual([]);
    // The status page is a part of the server.
    expect(outside.filter(({ path }) => !/^dist\/(cjs\/)?server\/page\//.test(path))).toEqual([]);
    expect(packed.size).toBeLessThan(3_000_000);
  });

  it("has both forms of every door, each with its types", () => {
    const doors = ["index", "agent", "testing", ...kinds.map(({ kind }) => `kinds/${kind}`)];
    const paths = new Set(packed.files.map(({ path }) => path));
    for (const door of doors) {
      for (const file of [`dist/${door}`, `dist/cjs/${door}`]) {
        expect(paths).toContain(`${file}.js`);
        expect(paths).toContain(`${file}.d.ts`);
      }
    }
  });

  it("loads by import and by require no SDK, Express, YAML, pino or driver", async () => {
    const packages = [api, "@opentelemetry/api-logs", "healthspan", "zod"];
    expect(await two.run("loaded.mjs")).toEqual({ imported: packages, required: packages });
  });
});

const gauges = ["health.check.status", "health.postgres.pool.waiting", "health.status"];

describe.each(["host.mjs", "host.cjs"])("a host's telemetry, by %s", (program) => {
  it.each(["2", "3"])("is where the checks' spans, metrics and events go, on the %s.x SDK", async (sdk) => {
    const host = sdk === "2" ? two : three;
    expect(await host.run(program, sdk)).toEqual({
      status: "degraded",
      changes: ["database healthy", "queue unhealthy"],
      traceIds: 2,
      // The pool is the host's: its queries are spans of the host's below ours, and none of ours are between.
      spans: [
        ...["health.check database > pg.query", "health.check database > pg.query"],
        ...["health.check database", "health.check queue"],
      ],
      metrics: expect.arrayContaining(["health.check.duration", "health.check.runs", ...gauges]),
      events: expect.arrayContaining(["health.check.state_change", "health.state_change"]),
    });
  });

  it("may be none at all", async () => {
    const expected = { status: "degraded", changes: ["database healthy", "queue unhealthy"], traceIds: 0 };
    expect(await two.run(program, "none")).toEqual(expected);
  });
});

const notFound = expect.stringMatching(/^404/) as unknown;
const json = "application/json; charset=utf-8";

describe.each([
  ["serve.mjs", "express4"],
  ["serve.cjs", "express4"],
  ["serve.mjs", "express"],
  ["serve.cjs", "express"],
  ["serve.mjs", "http"],
  ["serve.cjs", "http"],
])("a service by %s on %s", (program, framework) => {
  it("has its probes, page and gate, and keeps its own routes", async () => {
    expect(await two.run(program, framework)).toMatchObject({
      starting: {
        "GET /readyz": `503 ${json}`,
        "GET /startupz": `503 ${json}`,
        "GET /livez": "200 OK",
        "GET /orders": "200 []",
      },
      running: {
        ...{ "GET /": "200 home", "POST /health": "200 mine", "GET /orders": "200 []" },
        ...{ "GET /health": notFound, "GET /nothing": notFound, "POST /readyz": notFound },
        ...{ "GET /livez": "200 OK", "GET /healthz": "200 OK", "HEAD /readyz": "200", "GET /readyz/": `200 ${json}` },
        ...{ "GET /startupz": `200 ${json}`, "GET /internal/ready": `200 ${json}`, "GET /internal/readyz": notFound },
        ...{ "GET /internal/health": `200 ${json}`, "GET /internal/status": "200 text/html; charset=utf-8" },
      },
      broken: {
        ...{ "GET /livez": "200 OK", "GET /readyz": `503 ${json}`, "GET /internal/ready": `503 ${json}` },
        ...{ "GET /orders": `503 ${json}`, "POST /health": `503 ${json}` },
      },
      draining: { "GET /livez": "200 OK", "GET /readyz": `503 ${json}`, "GET /orders": "200 []" },
    });
  });
});

describe("the ten lines of docs/library.md", () => {
  it("are a service whose readiness and gate follow its pool", async () => {
    const page = readFileSync(fileURLToPath(new URL("../../docs/library.md", import.meta.url)), "utf8");
    const [, lines = ""] = /^```js\n([\s\S]*?)^```/m.exec(page) ?? [];
    expect(
      lines
        .trim()
        .split("\n")
        .filter((line) => line !== ""),
    ).toHaveLength(10);
    const port = await freePort();
    // Nobody listens where the pool looks.
    const env = { PORT: String(port), DATABASE_URL: "postgres://app@127.0.0.1:9/app" };
    const service = two.start("ten-lines.mjs", lines, env);
    try {
      const statusOf = async (path: string) => {
        const response = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
        await response?.text();
        return response?.status;
      };
      await expect.poll(() => statusOf("/startupz"), { timeout: 30_000 }).toBe(200);
      expect(await Promise.all(["/livez", "/readyz", "/orders"].map(statusOf))).toEqual([200, 503, 503]);
    } finally {
      service.kill("SIGKILL");
    }
  });
});

describe("the types", () => {
  it("are sound, and hold under node16, by import and by require", async () => {
    const node16 = ["--module", "node16", "--moduleResolution", "node16", "--exactOptionalPropertyTypes"];
    expect(await two.compile(["typed.ts", "typed.mts"], ...node16)).toBe("");
  });

  it.each([
    ["bundler", ["--module", "esnext", "--moduleResolution", "bundler"]],
    ["node10, which knows no exports map", ["--module", "commonjs", "--moduleResolution", "node10"]],
  ])("are found, and hold, under %s", async (_name, options) => {
    expect(await two.compile(["typed.ts"], ...options, "--skipLibCheck", "--esModuleInterop")).toBe("");
  });
});

describe("a host without drivers", () => {
  it.each(["node16", "nodenext"])(
    "compiles every kind under %s, declarations of its packages and all",
    async (module) => {
      expect(await three.compile(["no-drivers.ts", "no-drivers.cts"], "--module", module)).toBe("");
    },
  );

  /** The Milvus package is loaded once somebody speaks HTTP/2. */
  let peer: Http2Server;
  beforeAll(async () => {
    peer = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => peer.once("listening", resolve));
  });
  afterAll(() => peer.close());

  it("is told what to install", async () => {
    const { port } = peer.address() as AddressInfo;
    const install = (name: string, major: number) =>
      `the package \`${name}\` cannot be loaded; install it: \`npm install ${name}@${major}\``;
    expect(await three.run("drivers.mjs", String(port))).toEqual({
      postgres: install("pg", 8),
      redis: install("ioredis", 6),
      milvus: install("@zilliz/milvus2-sdk-node", 3),
      llm: install("openai", 6),
    });
  });
});
