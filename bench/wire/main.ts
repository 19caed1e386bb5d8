/**
 * What telemetry costs on the wire and in the Collector: `npm run bench:wire [-- --checks 200 --interval 1000
 * --seconds 30 --repeat 3 --only postgres]`. `--part kinds` or `--part collector` takes one of the two tables. The first
 * does not depend on the machine but for the digits of times; the second does. Linux only: CPU and memory are the kernel's.
 */
import { parseArgs } from "node:util";
import { isThere, type Target, targets } from "../kinds/servers.js";
import { conditionsNow, conditionsText, loadNow } from "../machine/conditions.js";
import { summary } from "../machine/summary.js";
import { type CollectorCost, measureCollector } from "./collector.js";
import { measureWire, type WireCost } from "./kinds.js";

const { values: options } = parseArgs({
  options: {
    part: { type: "string" },
    only: { type: "string" },
    checks: { type: "string", default: "200" },
    interval: { type: "string", default: "1000" },
    seconds: { type: "string", default: "30" },
    repeat: { type: "string", default: "3" },
  },
});
const isAsked = (part: string): boolean => options.part === undefined || options.part === part;

async function printKinds(): Promise<void> {
  console.log(
    "| kind | series | bytes a scrape: text | OpenMetrics | spans a run | OTLP bytes, JSON / protobuf: a run | a check and export | an event |",
  );
  console.log("|---|---|---|---|---|---|---|---|");
  for (const [server, { needs, start }] of Object.entries(targets)) {
    if (options.only !== undefined && !server.toLowerCase().includes(options.only.toLowerCase())) continue;
    if (!isThere(needs)) {
      console.log(`| left out: ${server} is not installed; npm run servers installs it |`);
      continue;
    }
    const target: Target = await start();
    try {
      for (const [label, check] of Object.entries(target.checks)) console.log(row(label, await measureWire(check)));
    } finally {
      await target.stop();
    }
  }
}

function row(label: string, { series, text, openmetrics, spansPerRun, otlp }: WireCost): string {
  const both = (key: "run" | "collection" | "event"): string =>
    `${whole(otlp["http/json"][key])} / ${whole(otlp["http/protobuf"][key])}`;
  const cells = [label, whole(series), whole(text), whole(openmetrics), spansPerRun.toFixed(1)];
  return `| ${[...cells, both("run"), both("collection"), both("event")].join(" | ")} |`;
}

async function printCollector(): Promise<void> {
  const [checks, intervalMs, seconds] = [options.checks, options.interval, options.seconds].map(Number) as [
    number,
    number,
    number,
  ];
  console.log(`\n${checks} HTTP checks × ${intervalMs} ms, ${seconds} s, median (range) of ${options.repeat}\n`);
  console.log(
    "| healthy traces kept | runs a second | Collector: CPU µs a run | RSS MB | bytes on to the backends, a run | agent: CPU µs a run |",
  );
  console.log("|---|---|---|---|---|---|");
  for (const keepHealthyPercent of [100, 10]) {
    const rounds: CollectorCost[] = [];
    for (let round = 0; round < Number(options.repeat); round += 1)
      rounds.push(await measureCollector({ checks, intervalMs, seconds, keepHealthyPercent }));
    const column = (key: keyof CollectorCost): string =>
      summary(
        rounds.map((round) => round[key]),
        0,
      );
    const keys = [
      "runsPerSecond",
      "collectorCpuUsPerRun",
      "collectorRssMb",
      "bytesOnPerRun",
      "agentCpuUsPerRun",
    ] as const;
    console.log(`| ${[`${keepHealthyPercent} %`, ...keys.map(column)].join(" | ")} |`);
  }
}

const whole = (value: number): string => value.toFixed(0);

console.log(`${conditionsText(conditionsNow())}; load ${loadNow()} before\n`);
if (isAsked("kinds")) await printKinds();
if (isAsked("collector")) await printCollector();
console.log(`\nload ${loadNow()} after`);
