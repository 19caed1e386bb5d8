import { durationBoundsSeconds } from "../semconv.js";
import type { CheckCount, CheckCounts } from "../signals/counts.js";
import type { Descriptor } from "../signals/descriptors.js";
import type { FactFamily } from "../signals/fact-points.js";
import type { HistogramPoints, LiveMetric, NumberPoints } from "./exposition-points.js";
import { checkFamilies, type OwnFamily, schedulerFamilies, serviceFamilies } from "./own-families.js";
import { Slice } from "./slice.js";

/** Longest time that finding out who has which metric holds the event loop. */
const sliceMs = 0.5;
const checksPerLook = 64;

/**
 * What a scrape or a push writes of the counts: the checks are those there are now, their values those there are when each
 * is written. A copy of all points, as an SDK's reader takes, is 25 objects a check that live as long as the scrape: moving
 * them out of the collector's way was the longest hold of the loop and a quarter of the whole.
 */
export async function liveMetrics(counts: CheckCounts): Promise<readonly LiveMetric[]> {
  const checks = [...counts.checks()];
  return [
    ...serviceFamilies.map((family) => liveFamily(family, [counts])),
    ...checkFamilies.map((family) => liveFamily(family, checks)),
    ...schedulerFamilies.map((family) => liveFamily(family, [counts])),
    ...(await liveFacts(checks)),
  ];
}

const boundaries: readonly number[] = durationBoundsSeconds;

interface Counted {
  readonly sinceMs: number;
}

function liveFamily<Source extends Counted>(family: OwnFamily<Source>, sources: readonly Source[]): LiveMetric {
  const { descriptor } = family;
  const { length } = sources;
  const sinceMs = (index: number): number => (sources[index] as Source).sinceMs;
  if (family.type !== "histogram") {
    const visit: NumberPoints["visit"] = (index, put) => family.visit(sources[index] as Source, put);
    return { descriptor, points: { type: family.type, length, visit }, sinceMs };
  }
  const visit: HistogramPoints["visit"] = (index, put) =>
    family.visit(sources[index] as Source, ({ attributes, counts, sum, count, exemplars }) =>
      put({ attributes, boundaries, counts, sum, count, exemplars }),
    );
  return { descriptor, points: { type: "histogram", length, visit }, sinceMs };
}

interface FactOwners {
  readonly descriptor: Descriptor;
  readonly checks: CheckCount[];
  /** Of each check, at the same place: the kinds that share a metric may find it in different facts. */
  readonly families: FactFamily[];
}

async function liveFacts(checks: readonly CheckCount[]): Promise<readonly LiveMetric[]> {
  const owners = new Map<string, FactOwners>();
  const slice = new Slice(sliceMs, checksPerLook);
  for (const check of checks) {
    for (const family of check.factPoints.families) {
      const of = ownersOf(owners, family);
      of.checks.push(check);
      of.families.push(family);
    }
    if (slice.isOver()) await slice.next();
  }
  return [...owners.values()].map(liveFact);
}

function ownersOf(owners: Map<string, FactOwners>, { descriptor }: FactFamily): FactOwners {
  let found = owners.get(descriptor.name);
  if (found === undefined) {
    found = { descriptor, checks: [], families: [] };
    owners.set(descriptor.name, found);
  }
  return found;
}

function liveFact({ descriptor, checks, families }: FactOwners): LiveMetric {
  const visit: NumberPoints["visit"] = (index, put) => {
    const [check, family] = [checks[index], families[index]];
    if (check && family) check.factPoints.visit(family, check.facts, put);
  };
  const sinceMs = (index: number): number => checks[index]?.sinceMs ?? 0;
  return { descriptor, points: { type: "gauge", length: checks.length, visit }, sinceMs };
}
