import { describe, expect, it } from "vitest";
import { createAgentInstruments, createDropCounter, type Signal } from "../../src/signals/agent-instruments.js";
import { CheckCounts } from "../../src/signals/counts.js";
import { createMetricProducer } from "../../src/telemetry/metric-producer.js";
import { collect, createReader } from "./collected.js";

describe("agent instruments", () => {
  it("say which configuration runs, when it was loaded and whether the last attempt was refused", async () => {
    const { reader, provider } = createReader();
    let nowMs = 1_000;
    const counts = new CheckCounts();
    const producer = createMetricProducer(counts);
    const agent = createAgentInstruments(provider.getMeter("agent"), {
      counts,
      version: "1.2.3",
      configHash: "aaa",
      now: () => nowMs,
    });
    const state = async (): Promise<unknown> => {
      const collected = await collect(reader);
      const value = (name: string): unknown => collected[name]?.points[0]?.value;
      return {
        hash: (await collect(producer))["health.agent.info"]?.points.map(
          ({ attributes }) => attributes["health.config.hash"],
        ),
        loaded: value("health.config.last_reload"),
        success: value("health.config.last_reload_success"),
        heartbeat: value("health.agent.heartbeat"),
      };
    };
    expect(await state()).toEqual({ hash: ["aaa"], loaded: 1, success: 1, heartbeat: 1 });
    nowMs = 2_000;
    agent.configLoaded({ isAccepted: false, configHash: "bad" });
    expect(await state()).toEqual({ hash: ["aaa"], loaded: 1, success: 0, heartbeat: 2 });
    nowMs = 3_000;
    agent.configLoaded({ isAccepted: true, configHash: "bbb" });
    expect(await state()).toEqual({ hash: ["bbb"], loaded: 3, success: 1, heartbeat: 3 });
  });

  it("say how many agents share the checks, and which one this is, where they are shared", async () => {
    const shards = async (shard?: { readonly index: number; readonly of: number }): Promise<unknown> => {
      const { reader, provider } = createReader();
      const counts = new CheckCounts();
      createAgentInstruments(provider.getMeter("agent"), { counts, version: "1.2.3", configHash: "aaa", shard });
      return (await collect(reader))["health.agent.shards"]?.points;
    };
    expect(await shards({ index: 2, of: 6 })).toEqual([{ attributes: { "health.shard.index": 2 }, value: 6 }]);
    expect(await shards()).toBeUndefined();
  });

  it("count drops by signal from the start", async () => {
    const { reader, provider } = createReader();
    const drops = new Map<Signal, number>([["traces", 0]]);
    createDropCounter(provider.getMeter("agent"), () => drops);
    expect((await collect(reader))["health.telemetry.dropped"]?.points).toEqual([
      { attributes: { "health.telemetry.signal": "traces" }, value: 0 },
    ]);
    drops.set("traces", 7);
    expect((await collect(reader))["health.telemetry.dropped"]).toMatchObject({
      isMonotonic: true,
      points: [{ value: 7 }],
    });
  });
});
