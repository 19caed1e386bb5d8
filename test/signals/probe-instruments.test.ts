import { describe, expect, it } from "vitest";
import { createProbeInstruments } from "../../src/signals/probe-instruments.js";
import { collect, createReader } from "./collected.js";

describe("what a probe was asked", () => {
  it("counts by name, status code and state, and times without the state", async () => {
    const { reader, provider } = createReader();
    const probes = createProbeInstruments(provider.getMeter("agent"));
    probes.probe("readyz", 200, "healthy", 0.001);
    probes.probe("readyz", 200, "degraded", 0.002);
    probes.probe("readyz", 503, "draining", 0.003);
    const collected = await collect(reader);
    expect(collected["health.probe.requests"]?.points).toHaveLength(3);
    expect(collected["health.probe.duration"]?.points).toMatchObject([
      { attributes: { "health.probe.name": "readyz", "http.response.status_code": 200 }, value: { count: 2 } },
      { attributes: { "health.probe.name": "readyz", "http.response.status_code": 503 }, value: { count: 1 } },
    ]);
  });
});
