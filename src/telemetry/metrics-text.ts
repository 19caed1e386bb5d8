import type { MetricReader } from "@opentelemetry/sdk-metrics";
import type { CheckCounts } from "../signals/counts.js";
import type { OnDiagnostic } from "./delivery.js";
import { contentTypes, negotiate } from "./exposition-format.js";
import { liveMetrics } from "./live-metrics.js";
import { toFamilies } from "./prometheus-families.js";
import { writeExposition } from "./prometheus-writer.js";

/** A rendered exposition, in pieces small enough that nothing else waits for them. */
export interface Exposition {
  readonly contentType: string;
  readonly pieces: AsyncIterable<string | Uint8Array>;
}

/** Where `/metrics` comes from; rejects when collection fails. The server's port of the same shape. */
export interface MetricsText {
  render(accept: string | undefined): Promise<Exposition>;
}

export interface MetricsTextOptions {
  /** Collects the metrics of the SDK's instruments. */
  readonly reader: Pick<MetricReader, "collect">;
  readonly counts?: CheckCounts;
  readonly onDiagnostic: OnDiagnostic;
}

/** Renders what a reader collects and the counts; each call collects for itself, so that scrapes do not disturb one another. */
export function createMetricsText({ reader, counts, onDiagnostic }: MetricsTextOptions): MetricsText {
  const said = new Set<string>();
  return {
    async render(accept) {
      const { resourceMetrics, errors } = await reader.collect();
      if (errors.length > 0) throw new AggregateError(errors, "metrics could not be collected");
      const { families, refused } = toFamilies(resourceMetrics.scopeMetrics, counts && (await liveMetrics(counts)));
      for (const line of refused) sayOnce(line);
      const format = negotiate(accept);
      return { contentType: contentTypes[format], pieces: writeExposition(resourceMetrics.resource, families, format) };
    },
  };

  function sayOnce(line: string): void {
    if (said.has(line)) return;
    said.add(line);
    onDiagnostic({ level: "warn", message: `a metric is left out of /metrics: ${line}` });
  }
}
