import { CheckCounts } from "../../src/signals/counts.js";
import { startTelemetry } from "../../src/telemetry/providers.js";
import { otlpTo } from "./telemetry-settings.js";

/**
 * A process of its own that sends to the endpoint it is given, shuts telemetry down after a while and has nothing else
 * to do: it ends by itself, or something holds it. Prints how long the shutdown took.
 */
const [endpoint = "", flushMs = "500", restMs = "0"] = process.argv.slice(2);
const counts = new CheckCounts();
const telemetry = await startTelemetry(otlpTo(endpoint, { intervalMs: 100 }), { counts, onDiagnostic: () => {} });
for (let span = 0; span < 600; span += 1) telemetry.tracer.startSpan("run").end();
telemetry.logger.emit({ eventName: "change" });
await new Promise((resolve) => setTimeout(resolve, Number(restMs)));
const startedAt = performance.now();
await telemetry.shutdown(Number(flushMs));
process.stdout.write(
  JSON.stringify({
    shutdownMs: performance.now() - startedAt,
    atMs: Date.now(),
    dropped: Object.fromEntries(telemetry.dropped()),
  }),
);
