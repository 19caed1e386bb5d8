import type { Attributes } from "@opentelemetry/api";
import { statuses } from "../check.js";
import { serviceStates } from "../signals/check-attributes.js";
import type { CheckCount, CheckCounts, DurationTally, Tally } from "../signals/counts.js";
import { type Descriptor, descriptors } from "../signals/descriptors.js";

/** `tally` is where a counter's value is from: whoever wants what came since the last time knows it by that. */
export type PutNumber = (attributes: Attributes, value: number, tally?: Tally) => void;

/** One metric of ours: where its points are found, as of the moment of the visit. */
export type OwnFamily<Source> = { readonly descriptor: Descriptor } & (
  | { readonly type: "gauge" | "counter"; visit(source: Source, put: PutNumber): void }
  | { readonly type: "histogram"; visit(source: Source, put: (tally: DurationTally) => void): void }
);

const putTally = (put: PutNumber, tally: Tally): void => put(tally.attributes, tally.value, tally);

/** What is said of every check, beside its facts. */
export const checkFamilies: readonly OwnFamily<CheckCount>[] = [
  {
    descriptor: descriptors.checkStatus,
    type: "gauge",
    visit({ attributes, status }, put) {
      for (const state of statuses) put(attributes.states[state], state === status ? 1 : 0);
    },
  },
  {
    descriptor: descriptors.checkDuration,
    type: "histogram",
    visit({ durations }, put) {
      for (const tally of durations.values()) put(tally);
    },
  },
  {
    descriptor: descriptors.checkRuns,
    type: "counter",
    visit({ runs }, put) {
      for (const tally of runs.values()) putTally(put, tally);
    },
  },
  {
    descriptor: descriptors.checkTransitions,
    type: "counter",
    visit({ transitions }, put) {
      for (const state of statuses) putTally(put, transitions[state]);
    },
  },
  {
    descriptor: descriptors.checkLastSuccess,
    type: "gauge",
    visit({ attributes, lastSuccessMs }, put) {
      if (lastSuccessMs !== undefined) put(attributes.check, lastSuccessMs / 1_000);
    },
  },
  {
    descriptor: descriptors.checkInfo,
    type: "gauge",
    visit: ({ attributes }, put) => put(attributes.info, 1),
  },
  {
    descriptor: descriptors.checkOrphanedRuns,
    type: "counter",
    visit({ orphanedRuns }, put) {
      if (orphanedRuns) putTally(put, orphanedRuns);
    },
  },
];

/** What is said of the service as a whole. */
export const serviceFamilies: readonly OwnFamily<CheckCounts>[] = [
  {
    descriptor: descriptors.agentInfo,
    type: "gauge",
    visit({ agentInfo }, put) {
      if (agentInfo) put(agentInfo, 1);
    },
  },
  {
    descriptor: descriptors.status,
    type: "gauge",
    visit({ status }, put) {
      for (const state of statuses) put(serviceStates[state], state === status ? 1 : 0);
    },
  },
];

/** How well the schedule is kept. */
export const schedulerFamilies: readonly OwnFamily<CheckCounts>[] = [
  {
    descriptor: descriptors.schedulerLag,
    type: "histogram",
    visit({ lagSeconds }, put) {
      if (lagSeconds.count > 0) put(lagSeconds);
    },
  },
  {
    descriptor: descriptors.schedulerMissedRuns,
    type: "counter",
    visit: ({ missedRuns }, put) => putTally(put, missedRuns),
  },
];
