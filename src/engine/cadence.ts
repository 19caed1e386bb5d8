import { createHash } from "node:crypto";
import type { CheckPolicy } from "../check.js";

/** The finest grid that due times lie on. */
export const gridMs = 10;
/** All divide a second, so that checks of different intervals meet on them. */
const gridsMs = [100, 50, 25];
const busyGridMs = 20;

const spreadFloorMs = 2_000;
const startsPerMs = 1;
const failuresBeforeBackoff = 12;

/** Over how long the first runs of `count` checks are spread, at most an interval. */
export function startSpreadMs(count: number, intervalMs: number): number {
  return Math.min(intervalMs, Math.max(spreadFloorMs, count / startsPerMs));
}

const settleMs = 100;

/** By when checks that are started together have their first results, unless they wait for a slot. */
export function firstResultsMs(policies: readonly CheckPolicy[]): number {
  const deadlines = policies.map((policy) => startSpreadMs(policies.length, policy.intervalMs) + policy.timeoutMs);
  return deadlines.reduce((longest, deadline) => Math.max(longest, deadline), 0) + settleMs;
}

/** A check's place within its interval, 0 to 1, from agent and name: 300 agents do not hit one database together. */
export function phaseOf(instance: string, name: string): number {
  return createHash("sha1").update(instance).update("\0").update(name).digest().readUInt32BE(0) / 2 ** 32;
}

/**
 * The grid that due times lie on at this rate: the coarsest at whose points no more runs fall due on average than may start
 * together. Waking up costs as much as probing (1,000 a second cost a sixth less CPU on 20 ms than on 10), and nothing in
 * accuracy, the grid being the same every interval.
 */
export function gridFor(runsPerSecond: number): number {
  return gridsMs.find((grid) => (runsPerSecond * grid) / 1_000 <= maxStarts(runsPerSecond)) ?? busyGridMs;
}

/** The first time after `afterMs` that lies at the check's phase of its interval (epoch milliseconds), on the grid. */
export function nextPhaseTime(afterMs: number, intervalMs: number, phase: number, grid: number): number {
  const offset = Math.floor((phase * intervalMs) / grid) * grid;
  return (Math.floor((afterMs - offset) / intervalMs) + 1) * intervalMs + offset;
}

/** Until a failing check is run again: the failing interval, doubled for each failure after twelve in a row, up to the interval. */
export function failingGapMs(policy: CheckPolicy, consecutiveFailures: number): number {
  const doublings = Math.min(Math.max(0, consecutiveFailures - failuresBeforeBackoff), 30);
  return Math.min(policy.intervalMs, policy.failingIntervalMs * 2 ** doublings);
}

/** Within how long no more than `maxStarts` are made: a little more than 10 ms, for what is shifted on its way to a target. */
export const burstMs = 12;

/** Most starts within 10 ms: twice the mean rate, at least ten, so that a stall releases nothing all at once. */
export function maxStarts(runsPerSecond: number): number {
  return Math.max(10, Math.ceil((2 * runsPerSecond * 10) / 1_000));
}
