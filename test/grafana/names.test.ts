import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { factGroups } from "../../grafana/src/fact-groups.js";
import { eventUnhealthy, fact, factsOf, label, openFactsOf, series, spanDuration } from "../../grafana/src/names.js";
import { grafanaUnit } from "../../grafana/src/units.js";
import { kinds } from "../../src/kinds/index.js";
import { series as inRules, label as labelsInRules } from "../../src/rules/series.js";
import { familyName } from "../../src/telemetry/prometheus-names.js";

const root = join(import.meta.dirname, "../..");

describe("the names that dashboards ask for", () => {
  it("are those that the rules ask for", () => {
    expect(series).toMatchObject({
      checkStatus: inRules.status,
      checkRuns: inRules.runs,
      checkTransitions: inRules.transitions,
      agentHeartbeat: inRules.heartbeat,
      telemetryDropped: inRules.dropped,
    });
    // Which shards are missing is an alert, and on no dashboard.
    const { shard: _alertedOnly, ...shown } = labelsInRules;
    expect(label).toMatchObject(shown);
  });

  it("are documented", () => {
    const page = readFileSync(join(root, "docs/metrics.md"), "utf8");
    const names = [...Object.values(series), ...kinds.flatMap(factsOf).map(({ name }) => name)];
    expect(names.length).toBeGreaterThan(40);
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  it("are what the Collector's connectors make", () => {
    const { connectors } = parse(readFileSync(join(root, "otel-collector/config.yaml"), "utf8"));
    expect(connectors.span_metrics).toMatchObject({ histogram: { unit: "s" } });
    expect(connectors.span_metrics.namespace).toBeUndefined();
    expect(spanDuration).toBe("traces_span_metrics_duration_seconds");
    const [{ name }] = connectors.signal_to_metrics.logs;
    expect(familyName(name, "", "gauge").base).toBe(eventUnhealthy);
  });

  it("come from the kinds, of a list of rows too", () => {
    expect(fact("postgres", "connections").name).toBe("health_postgres_connections");
    expect(fact("milvus", "collections", "loaded").name).toBe("health_milvus_collection_loaded");
    expect(() => fact("postgres", "server_version")).toThrow(
      "No metric comes of postgres server_version; take a fact that the kind declares with one",
    );
  });
});

describe("the groups of facts", () => {
  it("hold each fact of each kind once, open facts too", () => {
    const open = kinds.filter(({ hasOpenFacts }) => hasOpenFacts).map(openFactsOf);
    const all = [...kinds.flatMap(factsOf).map(({ name }) => name), ...open].sort();
    expect(
      factGroups()
        .flatMap(({ names }) => names)
        .sort(),
    ).toEqual(all);
  });

  it("keep milliseconds of a run apart from days that are left", () => {
    const groupOf = (name: string) => factGroups().find(({ names }) => names.includes(name))?.title;
    expect(groupOf("health_http_ttfb_seconds")).toBe("Facts: times within a run");
    expect(groupOf("health_tls_certificate_time_left_seconds")).toBe("Facts: ages and times left");
  });
});

describe("a unit", () => {
  it("that Grafana has no name for here is named", () => {
    expect(grafanaUnit("{connection}")).toBe("short");
    expect(() => grafanaUnit("Cel")).toThrow("No unit of Grafana's is known for Cel; add it to grafana/src/units.ts");
  });
});
