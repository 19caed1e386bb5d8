import { afterEach, describe, expect, it } from "vitest";
import { createHealth, type Health } from "../../src/index.js";
import { http } from "../../src/kinds/http.js";
import { postgres } from "../../src/kinds/postgres.js";
import { redis } from "../../src/kinds/redis.js";
import { system } from "../../src/kinds/system.js";

let health: Health;
afterEach(() => health.stop());

const healthy = () => ({ status: "healthy" }) as const;

/** As a program in plain JavaScript would say it. */
function refusal(check: unknown, options: unknown): string {
  health = createHealth();
  try {
    health.register(check as never, options as never);
  } catch (error) {
    return error instanceof TypeError ? error.message : `no TypeError: ${String(error)}`;
  }
  return "taken";
}

describe("register refuses", () => {
  it.each([
    [undefined, "check a: is no check; give a function, or a kind with its options such as `http({ url })`"],
    [{ kind: "http", url: "http://a" }, /^check a: is no check; /],
    [{ kind: null }, /^check a: is no check; /],
  ])("what is no check: %j", (check, message) => {
    expect(refusal(check, { name: "a" })).toMatch(message);
  });

  it.each([
    [{}, 'a check needs a name; give `{ name: "…" }`'],
    [undefined, 'a check needs a name; give `{ name: "…" }`'],
    [{ name: 7 }, 'a check needs a name; give `{ name: "…" }`'],
    [{ name: "a", intervall: "5s" }, /^check a: `intervall` is no option; write one of name, critical, interval, /],
    [{ name: "a", critical: "yes" }, "check a: `critical` is neither true nor false; write one of the two"],
    [{ name: "a", interval: 30 }, "check a: `interval` is no text; write a duration such as 250ms, 30s, 5m or 1h"],
    [{ name: "a", interval: "30" }, 'check a: `interval` is "30"; write a duration such as 250ms, 30s, 5m or 1h'],
    [{ name: "a", failureThreshold: 0 }, "check a: `failureThreshold` is no whole number above 0; write 1 or more"],
    [{ name: "a", labels: "x" }, "check a: `labels` is no object; write one"],
    [{ name: "a", secrets: "x" }, "check a: `secrets` is no list of texts; write one of those that are set"],
    // What an environment variable is that nobody has set.
    [{ name: "a", secrets: [undefined] }, "check a: `secrets` is no list of texts; write one of those that are set"],
    [
      { name: "a", interval: "1s", timeout: "2s" },
      "check a: `timeout` is above the interval of 1s; write `1s` or less, or a longer `interval`",
    ],
    [
      { name: "a", interval: "10s", failingInterval: "20s" },
      "check a: `failingInterval` is above the interval of 10s; write `10s` or less",
    ],
    [
      { name: "a", timeout: "3s", failingInterval: "2s" },
      "check a: `failingInterval` is below the timeout of 3s; write `3s` or more",
    ],
    [{ name: "a", interval: "1ms" }, "check a: `interval` is out of bounds; write 100ms to 24h"],
    [{ name: "a", interval: "2000h" }, "check a: `interval` is out of bounds; write 100ms to 24h"],
    [{ name: "a", timeout: "1ms" }, "check a: `timeout` is out of bounds; write 10ms to 1h"],
    [
      { name: "a", labels: { Team: "shop" } },
      "check a: `labels.Team` is no label name; write lower-case letters, digits and `_`, a letter first",
    ],
    [{ name: "a", labels: { team: 7 } }, "check a: `labels.team` is no string; give one"],
  ])("options that cannot be: %j", (options, message) => {
    expect(refusal(healthy, options)).toMatch(message);
  });

  it.each(["a\ud800", "\udc00", ".", ".."])("a name that no path can say: %j", (name) => {
    expect(refusal(healthy, { name })).toMatch(
      /`name` is no name that a path can say; write well-formed text other than `\.` and `\.\.`$/,
    );
  });

  it.each([
    200,
    null,
    { degarded: { above: 1 } },
    { degraded: 200 },
    { degraded: { abov: 1 } },
    { degraded: { above: "1" } },
    { unhealthy: { below: Number.NaN } },
  ])("a threshold that would never show: %j", (threshold) => {
    expect(refusal(healthy, { name: "a", thresholds: { duration_ms: threshold } })).toMatch(
      /^check a: `thresholds\.duration_ms/,
    );
  });

  it("options of a kind, all that is wrong at once, and none of them shown", () => {
    const options = { url: "ftp://user:hunter2@host", method: "GET", body: "x", followRedirects: 1_000 };
    const message = refusal(http(options as never), { name: "shop" });
    expect(message).toMatch(/^check shop \(http\): `url` .* · `followRedirects` /);
    expect(message).not.toContain("hunter2");
  });

  it.each([
    [{}, "check shop (http): `url` is missing; give a string"],
    [{ url: "http://a", method: "GET", urll: 1 }, "check shop (http): `urll` cannot be given here; leave it out"],
    [{ url: "http://a", propagate: 1 }, "check shop (http): `propagate` is no boolean; give one"],
    [{ url: "http://a", tls: { caa: "x" } }, "check shop (http): `tls.caa` cannot be given here; leave it out"],
    [undefined, "check shop (http): `url` is missing; give a string"],
  ])("options of a kind by their names: %j", (options, message) => {
    expect(refusal(http(options as never), { name: "shop" })).toBe(message);
  });

  it("a limit on a fact that the kind does not have", () => {
    expect(refusal(system(), { name: "host", thresholds: { memory_per_cent: { unhealthy: { above: 90 } } } })).toMatch(
      /^check host: `thresholds.memory_per_cent`: system has no such fact; write one of memory_percent, /,
    );
    expect(refusal(system(), { name: "host", thresholds: { duration_ms: { degraded: { above: 90 } } } })).toBe("taken");
  });

  it.each([
    [200, "check a: `thresholds.duration_ms` is no object; give one"],
    [
      { degraded: { abvoe: 200 } },
      "check a: `thresholds.duration_ms.degraded.abvoe` cannot be given here; leave it out",
    ],
    [{ degraded: { above: "200" } }, "check a: `thresholds.duration_ms.degraded.above` is no number; give one"],
    [
      { degraded: { above: 300 }, unhealthy: { above: 200 } },
      /^check a: `thresholds.duration_ms.degraded.above` never shows, since `unhealthy` begins at 200; write a smaller/,
    ],
  ])("a limit that could never be crossed: %j", (limit, message) => {
    expect(refusal(healthy, { name: "a", thresholds: { duration_ms: limit } })).toMatch(message);
  });

  it("a limit on a fact that is no number", () => {
    expect(
      refusal(http({ url: "http://a" }), { name: "a", thresholds: { http_version: { unhealthy: { below: 2 } } } }),
    ).toMatch(/^check a: `thresholds.http_version`: is a fact that is no number; write one of status_code, /);
  });

  it("what a pool has no say in", () => {
    const pool = { connect: async () => ({}), totalCount: 0, idleCount: 0, waitingCount: 0 };
    expect(refusal(postgres({ pool, url: "postgres://db/a" } as never), { name: "db" })).toMatch(
      /^check db \(postgres\): `url` cannot be given here; leave it out$/,
    );
  });
});

describe("a factory refuses", () => {
  it("a pool that is none", () => {
    for (const pool of [undefined, null, "postgres://db", {}]) {
      expect(() => postgres({ pool } as never)).toThrow(
        "postgres({ pool }): `pool` is no pool of `pg`; give the application's own `pg.Pool`",
      );
    }
  });

  it("a client that is none, and options beside one", () => {
    expect(() => redis({ client: undefined } as never)).toThrow("redis({ client }): `client` cannot `ping`;");
    const client = { ping: async () => "PONG", info: async () => "" };
    expect(() => redis({ client, host: "cache" } as never)).toThrow(
      "redis({ client }): `host` is the client's business; leave it out",
    );
  });
});
