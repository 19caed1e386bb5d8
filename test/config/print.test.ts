import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { printConfig } from "../../src/config/print.js";
import { configOf, loadText } from "./load.js";

const text = `service: { name: app }
server: { token: hunter2 }
telemetry: { otlp: { endpoint: "http://u:hunter3@c:4318", headers: { authorization: hunter4 } } }
defaults: { timeout: 4s }
checks:
  - name: a
    kind: shop
    url: shop://u:hunter5@host/?key=hunter6
    password: \${env:PASSWORD}
    port: \${env:PORT:-81}
`;
const printed = printConfig(configOf(loadText(text, { PASSWORD: "hunter7", OTEL_METRIC_EXPORT_INTERVAL: "20000" })));
const lineOf = (start: string): string | undefined => printed.split("\n").find((line) => line.trim().startsWith(start));

describe("printConfig", () => {
  it("shows no secret", () => {
    expect(printed).not.toMatch(/hunter/);
    expect(lineOf("url:")).toContain("shop://u:***@host/?key=***");
  });

  it("says where each value comes from", () => {
    expect(lineOf("name: app")).toBe("  name: app # healthspan.yaml:1");
    expect(lineOf("timeout: 4s")).toContain("# healthspan.yaml:4");
    expect(lineOf("password:")).toBe('    password: "***" # healthspan.yaml:9 (env PASSWORD)');
    expect(lineOf("port: 81")).toContain("# healthspan.yaml:10 (default of env PORT)");
    expect(lineOf("interval: 20s")).toContain("# OTEL_METRIC_EXPORT_INTERVAL");
    expect(lineOf("successThreshold:")).toContain("1 # default");
  });

  it("is YAML", () => {
    expect(parse(printed)).toMatchObject({
      server: { port: 9464 },
      checks: [{ name: "a", interval: "30s", isOpen: true }],
    });
  });
});
