import { diag } from "@opentelemetry/api";
import { describe, expect, it } from "vitest";
import { CheckCounts } from "../../src/signals/counts.js";
import type { Diagnostic } from "../../src/telemetry/delivery.js";
import { startTelemetry, type Telemetry } from "../../src/telemetry/providers.js";
import type { TelemetrySettings } from "../../src/telemetry/settings.js";
import { identity, record } from "../signals/records.js";

async function start(settings: Partial<TelemetrySettings> = {}): Promise<{
  telemetry: Telemetry;
  counts: CheckCounts;
  said: Diagnostic[];
}> {
  const counts = new CheckCounts();
  const said: Diagnostic[] = [];
  const telemetry = await startTelemetry(
    { diagnostics: "warn", resource: { "service.name": "checkout" }, ...settings },
    { counts, onDiagnostic: (diagnostic) => said.push(diagnostic), version: "1.2.3" },
  );
  return { telemetry, counts, said };
}

async function scrape({ metrics }: Telemetry): Promise<string> {
  let text = "";
  for await (const piece of (await metrics.render(undefined)).pieces) text += piece;
  return text;
}

describe("telemetry without OTLP", () => {
  it("records no spans, and serves metrics all the same", async () => {
    const { telemetry, counts } = await start();
    const check = identity("db");
    counts.checkAdded(check, "unknown");
    counts.run(record(check));
    expect(telemetry.tracer.startSpan("x").isRecording()).toBe(false);
    telemetry.logger.emit({ eventName: "x" });
    const text = await scrape(telemetry);
    expect(text).toContain('target_info{service_name="checkout"} 1');
    expect(text).toContain(
      'health_check_runs_total{health_check_name="db",health_check_kind="http",health_check_outcome="healthy"} 1',
    );
    expect(text).not.toContain("health_telemetry_dropped");
    await telemetry.shutdown(1_000);
  });

  it("collects instruments of its meter beside the counts, with more than the SDK's 2,000 attribute sets", async () => {
    const { telemetry } = await start();
    const counter = telemetry.meter.createCounter("many");
    for (let index = 0; index < 2_500; index += 1) counter.add(1, { index });
    const text = await scrape(telemetry);
    expect(text.match(/^many_total\{/gm)).toHaveLength(2_500);
    await telemetry.shutdown(1_000);
  });

  it("serves metrics until it is shut down, and rejects afterwards", async () => {
    const { telemetry } = await start();
    await telemetry.flush(1_000);
    await scrape(telemetry);
    await telemetry.shutdown(1_000);
    await expect(telemetry.metrics.render(undefined)).rejects.toThrow();
  });

  it("may be shut down twice", async () => {
    const { telemetry, said } = await start();
    await telemetry.shutdown(1_000);
    await telemetry.shutdown(1_000);
    expect(said).toEqual([]);
  });
});

describe("what the SDK says of itself", () => {
  it("reaches the process log from the level asked for, a warning only once and without its stack", async () => {
    const { telemetry, said } = await start();
    for (let times = 0; times < 3; times += 1) diag.warn("export is odd", new Error("why"));
    diag.info("not asked for");
    expect(said.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      "warn: OpenTelemetry: export is odd why",
    ]);
    await telemetry.shutdown(1_000);
  });

  it("is said once although numbers, objects and the receiver's bytes in it differ", async () => {
    const { telemetry, said } = await start();
    for (let times = 0; times < 3; times += 1) {
      diag.warn(`export ${times} took ${times}ms`, new Error(`why ${times}`), Buffer.from([times]));
      diag.error(JSON.stringify({ message: `timed out after ${times}` }));
    }
    expect(said).toHaveLength(2);
    await telemetry.shutdown(1_000);
  });

  it("is silent when nothing is asked for", async () => {
    const { telemetry, said } = await start({ diagnostics: "none" });
    diag.error("quiet");
    expect(said).toEqual([]);
    await telemetry.shutdown(1_000);
  });
});
