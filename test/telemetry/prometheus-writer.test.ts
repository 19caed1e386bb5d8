import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { DataPointType, type MetricData } from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CheckCounts } from "../../src/signals/counts.js";
import { type FamilyType, familyName } from "../../src/telemetry/prometheus-names.js";
import { identity, record } from "../signals/records.js";
import { counter, gauge, histogram, render, samples, toResourceMetrics } from "./exposition.js";

const openmetrics = "application/openmetrics-text";

function manyChecks(count: number): CheckCounts {
  const counts = new CheckCounts();
  for (let index = 0; index < count; index += 1) {
    const check = identity(`check-${index}`);
    counts.checkAdded(check, "unknown");
    counts.run(record(check, { durationMs: index % 100 }));
  }
  return counts;
}

describe("the text format", () => {
  it("has help and type of each family once, before its samples", async () => {
    const { text, contentType } = await render([
      counter({
        name: "health.check.runs",
        unit: "{run}",
        description: "Runs.",
        points: [[{ "health.check.name": "db" }, 3]],
      }),
    ]);
    expect(contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(text.slice(text.indexOf("# HELP health_check"))).toBe(
      '# HELP health_check_runs_total Runs.\n# TYPE health_check_runs_total counter\nhealth_check_runs_total{health_check_name="db"} 3\n',
    );
  });

  it("writes cumulative buckets, sum and count", async () => {
    const { text } = await render([
      histogram({ name: "d", unit: "s", bounds: [0.5, 1], points: [{ attributes: {}, counts: [2, 0, 3], sum: 9.25 }] }),
    ]);
    expect(text.split("\n").filter((line) => line.startsWith("d_"))).toEqual([
      'd_seconds_bucket{le="0.5"} 2',
      'd_seconds_bucket{le="1"} 2',
      'd_seconds_bucket{le="+Inf"} 5',
      "d_seconds_sum 9.25",
      "d_seconds_count 5",
    ]);
  });

  it("has the same samples as the stock serializer, but for unit suffixes and scope labels", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(anyMetric, { selector: (data) => data.descriptor.name, maxLength: 6 }),
        async (metrics) => {
          const { text } = await render(metrics);
          const ours = new Map([...samples(text)].filter(([series]) => !series.startsWith("target_info")));
          const stock = new PrometheusSerializer(undefined, false, undefined, true, true);
          const theirs = samples(stock.serialize(toResourceMetrics(metrics)));
          expect(ours).toEqual(renamed(theirs, metrics));
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** Names of the stock serializer are those of the metric; ours have the unit too. */
function renamed(theirs: ReadonlyMap<string, string>, metrics: readonly MetricData[]): ReadonlyMap<string, string> {
  const names = new Map(
    metrics.map(({ descriptor, dataPointType }) => {
      const type = { [DataPointType.SUM]: "counter", [DataPointType.HISTOGRAM]: "histogram" }[dataPointType as number];
      const { base } = familyName(descriptor.name, descriptor.unit, (type ?? "gauge") as FamilyType);
      return [descriptor.name.replaceAll(".", "_"), base];
    }),
  );
  return new Map(
    [...theirs].map(([series, value]) => {
      const own = [...names].find(([name]) => new RegExp(`^${name}(_total|_bucket|_sum|_count)?\\{`).test(series));
      return [own ? own[1] + series.slice(own[0].length) : series, value];
    }),
  );
}

const metricName = fc.constantFrom("alpha", "beta.one", "gamma.two.three", "delta", "epsilon", "zeta.four");
const unit = fc.constantFrom("", "s", "By", "1", "{run}");
const attributes = fc.dictionary(
  fc.constantFrom("health.check.name", "error.type", "item", "flag"),
  fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.boolean(),
    fc.integer(),
    fc.constantFrom('a"b', "a\\b", "a\nb", "ünï", "\\n", ""),
  ),
);
const distinct = <Value>(value: fc.Arbitrary<Value>) =>
  fc.uniqueArray(fc.tuple(attributes, value), {
    maxLength: 5,
    minLength: 1,
    selector: ([set]) =>
      JSON.stringify(
        Object.entries(set)
          .map(([key, text]) => [key, String(text)])
          .sort(),
      ),
  });
const number = fc.oneof(fc.double(), fc.integer());
const anyMetric: fc.Arbitrary<MetricData> = fc.oneof(
  fc.record({ name: metricName, unit, points: distinct(number) }).map(gauge),
  fc.record({ name: metricName, unit, points: distinct(fc.nat()) }).map(counter),
  fc
    .record({
      name: metricName,
      unit,
      points: distinct(fc.record({ counts: fc.array(fc.nat(99), { minLength: 4, maxLength: 4 }), sum: number })),
    })
    .map(({ points, ...rest }) =>
      histogram({
        ...rest,
        bounds: [0.005, 0.5, 10],
        points: points.map(([set, value]) => ({ attributes: set, ...value })),
      }),
    ),
);

describe("OpenMetrics", () => {
  it("names a counter without its suffix, says the unit, marks whole bounds and ends with EOF", async () => {
    const { text, contentType } = await render(
      [
        counter({ name: "health.check.runs", unit: "{run}", description: 'Runs "all".', points: [[{}, 3]] }),
        histogram({ name: "d", unit: "s", bounds: [0.5, 1], points: [{ attributes: {}, counts: [2, 0, 3], sum: 1 }] }),
      ],
      openmetrics,
      { "service.name": "x" },
    );
    expect(contentType).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
    expect(text).toBe(
      [
        "# TYPE target info",
        "# HELP target Who is reporting.",
        'target_info{service_name="x"} 1',
        "# TYPE health_check_runs counter",
        '# HELP health_check_runs Runs \\"all\\".',
        "health_check_runs_total 3",
        "# TYPE d_seconds histogram",
        "# UNIT d_seconds seconds",
        "# HELP d_seconds d",
        'd_seconds_bucket{le="0.5"} 2',
        'd_seconds_bucket{le="1.0"} 2',
        'd_seconds_bucket{le="+Inf"} 5',
        "d_seconds_sum 1",
        "d_seconds_count 5",
        "# EOF",
        "",
      ].join("\n"),
    );
  });

  it("shows the kept trace of a bucket as its exemplar; the text format does not", async () => {
    const counts = new CheckCounts();
    const check = identity("db");
    counts.checkAdded(check, "unknown");
    const [traceId, spanId] = ["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"];
    counts.run(record(check, { traceId, spanId, durationMs: 70, atMs: 1_500 }));
    counts.run(record(check, { durationMs: 3 }));
    const withExemplar = (await render(counts, openmetrics)).text.split("\n").filter((line) => line.includes(" # {"));
    expect(withExemplar).toEqual([
      `health_check_duration_seconds_bucket{health_check_name="db",health_check_kind="http",le="0.1"} 2 # {trace_id="${traceId}",span_id="${spanId}"} 0.07 1.5`,
    ]);
    expect((await render(counts)).text).not.toContain(traceId);
  });
});

describe.each(["text/plain", openmetrics])("in %s", (accept) => {
  it("escapes what would break a line, and replaces what is no text", async () => {
    const name = 'a"b\\c\nd\0e\ud800f';
    const { text } = await render(
      [gauge({ name: "g", description: "x\ny\\z\0\udfff", points: [[{ name }, 1]] })],
      accept,
    );
    expect(text).toContain('g{name="a\\"b\\\\c\\nd\ufffde\ufffdf"} 1\n');
    expect(text).toContain("# HELP g x\\ny\\\\z\ufffd\ufffd\n");
  });

  it("writes what is no finite number as Prometheus reads it", async () => {
    const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e21, 1e-7, -0];
    const { text } = await render(
      [gauge({ name: "g", points: values.map((value, i) => [{ i: `${i}` }, value]) })],
      accept,
    );
    const written = text.split("\n").filter((line) => line.startsWith("g{"));
    expect(written.map((line) => line.split(" ")[1])).toEqual(["NaN", "+Inf", "-Inf", "1e+21", "1e-7", "0"]);
  });

  it("names of the resource only the service and where it is deployed", async () => {
    const { text } = await render([], accept, {
      "service.name": "checkout",
      "service.instance.id": "h:9464",
      "deployment.environment.name": "prod",
      "process.command_args": "--password hunter2",
      "host.name": "secret-host",
    });
    expect(text).toContain(
      'target_info{service_name="checkout",service_instance_id="h:9464",deployment_environment_name="prod"} 1\n',
    );
    expect(text).not.toMatch(/hunter2|secret-host/);
  });

  it("merges metrics that become one family, and writes a series only once", async () => {
    const { text, said } = await render(
      [
        gauge({ name: "a.b", points: [[{ x: "1" }, 1]] }),
        gauge({
          name: "a_b",
          points: [
            [{ x: "1" }, 2],
            [{ x: "2" }, 3],
          ],
        }),
      ],
      accept,
    );
    expect(text.match(/# TYPE a_b /g)).toHaveLength(1);
    expect(text.split("\n").filter((line) => line.startsWith("a_b{"))).toEqual(['a_b{x="1"} 1', 'a_b{x="2"} 3']);
    expect(said).toEqual([]);
  });

  it("says nothing of a metric without points", async () => {
    const { text } = await render([gauge({ name: "silent", points: [] })], accept);
    expect(text).not.toContain("silent");
  });

  it("joins the values of attributes that become one label", async () => {
    const { text } = await render([gauge({ name: "g", points: [[{ "a.b": "1", a_b: "2" }, 1]] })], accept);
    expect(text).toContain('g{a_b="1;2"} 1\n');
  });

  it.each([
    ["another type", gauge({ name: "a.b", points: [[{}, 1]] }), counter({ name: "a.b", points: [[{}, 2]] })],
    [
      "the sum of a histogram",
      histogram({ name: "a", bounds: [1], points: [{ attributes: {}, counts: [0, 1], sum: 3 }] }),
      gauge({ name: "a.sum", points: [[{}, 7]] }),
    ],
    [
      "the total of a counter",
      counter({ name: "a", points: [[{}, 1]] }),
      gauge({ name: "a.total", points: [[{}, 7]] }),
    ],
  ])("refuses a metric whose name is that of %s, and says so", async (_, first, second) => {
    const alone = await render([first], accept);
    const both = await render([first, second], accept);
    expect(both.text).toBe(alone.text);
    expect(both.said).toEqual([expect.stringContaining(second.descriptor.name)]);
  });
});

describe("a large exposition", () => {
  it("comes in many pieces that end with whole lines", async () => {
    const { pieces } = await render(manyChecks(2_000), openmetrics);
    expect(pieces.length).toBeGreaterThan(5);
    for (const piece of pieces) expect(piece.at(-1)).toBe("\n".charCodeAt(0));
  });

  it("gives the event loop back between the pieces", async () => {
    let turns = 0;
    const count = (): void => {
      turns += 1;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    const { pieces } = await render(manyChecks(2_000));
    clearImmediate(timer);
    expect(turns).toBeGreaterThanOrEqual(pieces.length - 1);
  });

  it("is not mixed up by another one that is rendered meanwhile in the other format", async () => {
    const counts = manyChecks(500);
    const [text, strict] = [await render(counts), await render(counts, openmetrics)];
    const together = await Promise.all([render(counts), render(counts, openmetrics), render(counts)]);
    expect(together.map((rendered) => rendered.text)).toEqual([text.text, strict.text, text.text]);
  });
});
