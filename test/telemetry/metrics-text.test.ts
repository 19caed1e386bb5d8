import { emptyResource } from "@opentelemetry/resources";
import { describe, expect, it } from "vitest";
import { createMetricsText } from "../../src/telemetry/metrics-text.js";

describe("the source of /metrics", () => {
  it("rejects when collection fails", async () => {
    const broken = createMetricsText({
      reader: { collect: () => Promise.reject(new Error("shut down")) },
      onDiagnostic: () => {},
    });
    await expect(broken.render(undefined)).rejects.toThrow("shut down");
  });

  it("rejects when a part of the collection failed, rather than to serve half of it", async () => {
    const resourceMetrics = { resource: emptyResource(), scopeMetrics: [] };
    const partly = createMetricsText({
      reader: { collect: async () => ({ resourceMetrics, errors: [new Error("a callback")] }) },
      onDiagnostic: () => {},
    });
    await expect(partly.render(undefined)).rejects.toThrow("could not be collected");
  });
});
