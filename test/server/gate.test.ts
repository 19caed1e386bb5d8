import type { IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import type { Phase, Verdict } from "../../src/check.js";
import { createGate, type GateOptions } from "../../src/server/gate.js";
import { FakeResponse, request } from "./exchange.js";
import { FakeSource } from "./fake-source.js";

function pass(source: FakeSource, req: IncomingMessage, options?: GateOptions): FakeResponse | "through" {
  const res = new FakeResponse();
  let isThrough = false;
  createGate(source, options)(req, res.asServerResponse(), () => {
    isThrough = true;
  });
  return isThrough ? "through" : res;
}

function withDatabase(status: Verdict, phase: Phase = "running"): FakeSource {
  const source = new FakeSource({ database: { status, critical: true } });
  source.phase = phase;
  return source;
}

describe("the gate", () => {
  it("answers business traffic 503 while the service is unhealthy", () => {
    const res = pass(withDatabase("unhealthy"), request("/orders"));
    expect(res).not.toBe("through");
    expect(res).toMatchObject({
      statusCode: 503,
      json: { error: "Service unavailable", message: "Critical dependencies are unhealthy" },
      headers: { "retry-after": "5", "cache-control": "no-store", "x-health-status": "unhealthy" },
    });
  });

  it.each(["POST", "PUT", "DELETE", "OPTIONS"])("stops %s as well", (method) => {
    expect(pass(withDatabase("unhealthy"), request("/orders", { method }))).not.toBe("through");
  });

  it.each([
    ["healthy", "running"],
    ["degraded", "running"],
    ["unhealthy", "draining"],
  ] as const)("lets traffic through while %s and %s", (status, phase) => {
    expect(pass(withDatabase(status, phase), request("/orders"))).toBe("through");
  });

  it("lets traffic through while nothing is known yet", () => {
    const source = new FakeSource({ database: { critical: true } });
    source.phase = "starting";
    expect(pass(source, request("/orders"))).toBe("through");
  });

  it("opens again with the first good result", () => {
    const source = withDatabase("unhealthy");
    expect(pass(source, request("/orders"))).not.toBe("through");
    source.set("database", { status: "healthy", critical: true });
    expect(pass(source, request("/orders"))).toBe("through");
  });

  it.each(["/livez", "/readyz", "/healthz", "/startupz", "/internal/readyz?verbose", "/metrics"])(
    "never touches %s",
    (path) => {
      expect(pass(withDatabase("unhealthy"), request(path))).toBe("through");
    },
  );

  it("never touches what it is told to leave", () => {
    const isExempt = ({ url }: IncomingMessage): boolean => url === "/alive";
    expect(pass(withDatabase("unhealthy"), request("/alive"), { isExempt })).toBe("through");
    expect(pass(withDatabase("unhealthy"), request("/orders"), { isExempt })).not.toBe("through");
  });
});
