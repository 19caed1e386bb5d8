import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import manifest from "../package.json" with { type: "json" };
import {
  CheckFailure,
  cleanText,
  createPolicy,
  formatDuration,
  parseDuration,
  secret,
  secretsOf,
} from "../src/check.js";
import { agentVersion } from "../src/semconv.js";

const kind = { kind: "x", defaults: { intervalMs: 30_000, timeoutMs: 5_000 } };

describe("durations", () => {
  it.each([
    ["250ms", 250],
    ["30s", 30_000],
    ["1.5s", 1_500],
    ["1.005s", 1_005],
    ["5m", 300_000],
    ["1h", 3_600_000],
  ])("reads %s", (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  it.each(["", "5", "5 s", "-5s", "0s", "1d", "5sec", "1e3s", "0.5ms", `${"9".repeat(30)}h`])("refuses %j", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it("writes back what it read", () => {
    expect([250, 30_000, 90_000, 300_000, 3_600_000].map(formatDuration)).toEqual(["250ms", "30s", "90s", "5m", "1h"]);
  });
});

describe("any duration", () => {
  const milliseconds = fc.integer({ min: 1, max: 2 ** 45 });

  it("is read back as it was written, in whole and in decimal seconds", () => {
    fc.assert(
      fc.property(milliseconds, (value) => {
        expect(parseDuration(formatDuration(value))).toBe(value);
        expect(parseDuration(`${Math.floor(value / 1_000)}.${String(value % 1_000).padStart(3, "0")}s`)).toBe(value);
      }),
    );
  });

  it("is whole milliseconds above 0, or none", () => {
    const near = fc.stringMatching(/^[0-9.]{0,30}(ms|s|m|h|)$/);
    fc.assert(
      fc.property(fc.oneof(near, fc.string()), (text) => {
        const value = parseDuration(text);
        expect(value === undefined || (Number.isSafeInteger(value) && value > 0)).toBe(true);
      }),
    );
  });
});

describe("createPolicy", () => {
  it("lets the check's own options win over the defaults, and those over the kind's", () => {
    expect(createPolicy("a", kind, { intervalMs: 1_000 }, { intervalMs: 2_000, timeoutMs: 700 })).toMatchObject({
      intervalMs: 1_000,
      timeoutMs: 700,
      failureThreshold: 2,
      successThreshold: 1,
      critical: false,
    });
  });

  it("shrinks a default timeout to the interval, and keeps the failing interval between the two", () => {
    expect(createPolicy("a", kind, { intervalMs: 2_000 })).toMatchObject({
      timeoutMs: 2_000,
      failingIntervalMs: 2_000,
    });
    expect(createPolicy("a", kind, { timeoutMs: 8_000 })).toMatchObject({ failingIntervalMs: 8_000 });
  });
});

describe("secrets", () => {
  const options = z.strictObject({
    url: secret("Where."),
    headers: z.record(z.string(), secret("Value.")).optional(),
    sentinel: z.strictObject({ password: secret("Password.") }).optional(),
    name: z.string().optional(),
  });

  it("are found wherever the schema marks them, of a URL only what is secret in it", () => {
    const found = secretsOf(
      { options },
      {
        url: "postgres://user:pa%40ss@db/app?token=t0ken&sslmode=require",
        headers: { Authorization: "Bearer abc" },
        sentinel: { password: "s3ntinel" },
        name: "public",
      },
    );
    expect([...found].sort()).toEqual(["Bearer abc", "pa%40ss", "s3ntinel", "t0ken"]);
  });

  it("are a lone user name of an HTTP URL too, and not that of a database", () => {
    expect(secretsOf({ options }, { url: "https://t0ken@api/v1" })).toEqual(["t0ken"]);
    expect(secretsOf({ options }, { url: "postgres://app@db/app?sslmode=require" })).toEqual([]);
  });

  it("do not leave through a failure's cause", () => {
    const failure = new CheckFailure("auth", "refused", { cause: { password: "hunter2" } });
    expect(JSON.stringify(failure)).not.toContain("hunter2");
    expect(Object.keys(failure)).not.toContain("cause");
    expect(inspect(failure)).toBe("CheckFailure: auth: refused");
    expect(inspect({ failure }, { depth: 9, showHidden: true })).not.toContain("hunter2");
  });
});

describe("cleanText", () => {
  it("takes terminal escapes, line breaks and bidirectional marks out", () => {
    expect(cleanText("a\u001b[31mred\r\nb\u202ec\u0000")).toBe("a [31mred b c");
  });

  it("cuts after 256 characters", () => {
    expect(cleanText("x".repeat(10_000))).toHaveLength(256);
  });
});

describe("the version", () => {
  it("is the package's", () => {
    expect(agentVersion).toBe(manifest.version);
  });
});
