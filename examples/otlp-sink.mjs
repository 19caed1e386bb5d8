// A stand-in for a Collector, to see what an agent or a service sends: takes OTLP/HTTP with JSON (the agent's default, not
// that of most SDKs) and prints a line for each span, event and export of metrics.
// `node examples/otlp-sink.mjs [PORT]`; 4318 unless said.
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

/** An exporter tells nobody what a 415 says, so it is printed here as well. */
const mend =
  "only uncompressed JSON is taken; set OTEL_EXPORTER_OTLP_PROTOCOL=http/json (in a file telemetry.otlp.protocol)";
const statuses = ["unset", "ok", "ERROR"];

/** The attributes of OTLP as an object. */
function valuesOf(attributes = []) {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

function* linesOf({ resourceSpans = [], resourceMetrics = [], resourceLogs = [] }) {
  for (const { scopeSpans } of resourceSpans) {
    for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
      const ms = Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6;
      const name = span.parentSpanId ? `  ${span.name}` : span.name;
      const why = valuesOf(span.attributes)["error.type"] ?? "";
      const status = statuses[span.status?.code ?? 0];
      yield `span    ${span.traceId}  ${status.padEnd(5)}  ${ms.toFixed(1).padStart(7)} ms  ${name} ${why}`;
    }
  }
  for (const { scopeLogs } of resourceLogs) {
    for (const { eventName, attributes, traceId } of scopeLogs.flatMap(({ logRecords }) => logRecords)) {
      const {
        "health.check.name": check,
        "health.check.state": ofCheck,
        "health.state": ofService,
      } = valuesOf(attributes);
      yield `event   ${traceId || "-".repeat(32)}  ${check ?? "the service"} is ${ofCheck ?? ofService}  (${eventName})`;
    }
  }
  for (const { scopeMetrics } of resourceMetrics) {
    const metrics = scopeMetrics.flatMap((scope) => scope.metrics);
    const points = metrics.map((metric) => (metric.gauge ?? metric.sum ?? metric.histogram)?.dataPoints.length ?? 0);
    yield `metrics ${points.reduce((sum, count) => sum + count, 0)} points of ${metrics.length} metrics`;
  }
}

const server = createServer(async (request, response) => {
  const isJson =
    request.headers["content-type"]?.startsWith("application/json") && !request.headers["content-encoding"];
  if (!isJson) {
    console.log(`refused ${request.url}: ${mend}`);
    return response.writeHead(415).end(`${mend}\n`);
  }
  try {
    for (const line of linesOf(JSON.parse(await text(request)))) console.log(line.trimEnd());
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  } catch (error) {
    response.writeHead(400).end(`${error.message}\n`);
  }
});
server.listen(Number(process.argv[2] ?? 4318), "127.0.0.1");
await once(server, "listening");
console.log(`taking OTLP on http://127.0.0.1:${server.address().port}`);
