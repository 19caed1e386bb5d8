import type { MetricReader } from "@opentelemetry/sdk-metrics";
import type { OnDiagnostic } from "./delivery.js";
import { contentTypes, negotiate } from "./exposition-format.js";
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

/** Renders what a reader collects; each call has its own collection, so that scrapes do not disturb one another. */
export function createMetricsText(reader: Pick<MetricReader, "collect">, onDiagnostic: OnDiagnostic): MetricsText {
  const said = new Set<string>();
  return {
    async render(accept) {
      const { resourceMetrics, errors } = await reader.collect();
      if (errors.length > 0) throw new AggregateError(errors, "metrics could not be collected");
      const { families, refused } = toFamilies(resourceMetrics.scopeMetrics);
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
