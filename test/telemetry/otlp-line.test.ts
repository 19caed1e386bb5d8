import { Agent as HttpsAgent } from "node:https";
import { describe, expect, it } from "vitest";
import { OtlpLine } from "../../src/telemetry/otlp-line.js";

const line = (endpoint: string) =>
  new OtlpLine({ endpoint, protocol: "http/json", headers: {}, timeoutMs: 1_000, compression: "none" });

describe("a line to a receiver", () => {
  it("is encrypted however the scheme is spelt", () => {
    expect(line("HTTPS://c/v1/traces").agent).toBeInstanceOf(HttpsAgent);
    expect(line("http://c/v1/traces").agent).not.toBeInstanceOf(HttpsAgent);
  });

  it("leaves an exporter alone whose inside it does not know", () => {
    const exporter = { _delegate: { _transport: { send: 1 } } };
    line("http://c/v1/traces").hold(exporter, () => {});
    expect(exporter).toEqual({ _delegate: { _transport: { send: 1 } } });
  });
});
