import { createRequire } from "node:module";
import { CheckCounts } from "../../src/signals/counts.js";
import { startTelemetry } from "../../src/telemetry/providers.js";
import { otlpTo } from "./telemetry-settings.js";

/** Prints which OpenTelemetry packages beyond the API are loaded once the module is imported, and once it is started. */
function loaded(): readonly string[] {
  const files = Object.keys(createRequire(import.meta.url).cache);
  const names = files.flatMap(
    (file) => /@opentelemetry[\\/]((?:sdk|exporter|otlp|resources|core)[a-z-]*)/.exec(file)?.[1] ?? [],
  );
  return [...new Set(names)].sort();
}

const imported = loaded();
const telemetry = await startTelemetry(otlpTo("http://127.0.0.1:1"), {
  counts: new CheckCounts(),
  onDiagnostic: () => {},
});
process.stdout.write(JSON.stringify({ imported, started: loaded() }));
await telemetry.shutdown(1);
