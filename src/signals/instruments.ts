import {
  type Attributes,
  type BatchObservableResult,
  type Counter,
  type Histogram,
  type Meter,
  type Observable,
  type ObservableGauge,
  ValueType,
} from "@opentelemetry/api";
import { type Facts, type Status, statuses, verdicts } from "../check.js";
import { durationBoundsSeconds } from "../semconv.js";
import { type CheckAttributes, createCheckAttributes, serviceStates } from "./check-attributes.js";
import { type Descriptor, descriptors } from "./descriptors.js";
import { FactPoints } from "./fact-points.js";
import type { CheckIdentity, RecordSink, RunRecord } from "./record.js";
import { countsTransition } from "./transition.js";

export interface Instruments extends RecordSink {
  /** Takes the gauges' callback from the meter, which would otherwise ask it as long as the process lives. */
  close(): void;
}

/**
 * The record stream as instruments of a host's meter. Counters and histograms are recorded as they happen; gauges are
 * observables, which say their value at each collection whatever temporality the host has chosen.
 */
export function createInstruments(meter: Meter): Instruments {
  return new MeterSink(meter);
}

export const createCounter = (meter: Meter, { name, unit, description }: Descriptor): Counter =>
  meter.createCounter(name, { unit, description, valueType: ValueType.INT });

export const createGauge = (meter: Meter, { name, unit, description }: Descriptor): ObservableGauge =>
  meter.createObservableGauge(name, { unit, description });

/** With our own bounds as advice: a View would keep storage for every reader, collected or not. */
export const createDurations = (meter: Meter, { name, unit, description }: Descriptor): Histogram =>
  meter.createHistogram(name, {
    unit,
    description,
    advice: { explicitBucketBoundaries: [...durationBoundsSeconds] },
  });

/** What the observables of one check read. */
interface Watched {
  readonly check: CheckIdentity;
  readonly attributes: CheckAttributes;
  readonly factPoints: FactPoints;
  status: Status;
  hasResult: boolean;
  facts: Facts;
  lastSuccessMs: number | undefined;
}

const noFacts: Facts = {};

class MeterSink implements Instruments {
  private readonly byName = new Map<string, Watched>();
  private readonly factGauges = new Map<string, ObservableGauge>();
  private readonly durations: Histogram;
  private readonly runs: Counter;
  private readonly transitions: Counter;
  private readonly orphanedRuns: Counter;
  private readonly missedRuns: Counter;
  private readonly lagSeconds: Histogram;
  private readonly statusGauge: ObservableGauge;
  private readonly lastSuccessGauge: ObservableGauge;
  private readonly infoGauge: ObservableGauge;
  private readonly serviceGauge: ObservableGauge;
  private serviceState: Status = "unknown";
  /** The facts' gauges that the current callback is registered for; the SDK refuses points of any other. */
  private observed: Observable[] = [];

  constructor(private readonly meter: Meter) {
    this.durations = createDurations(meter, descriptors.checkDuration);
    this.runs = createCounter(meter, descriptors.checkRuns);
    this.transitions = createCounter(meter, descriptors.checkTransitions);
    this.orphanedRuns = createCounter(meter, descriptors.checkOrphanedRuns);
    this.missedRuns = createCounter(meter, descriptors.schedulerMissedRuns);
    this.missedRuns.add(0);
    this.lagSeconds = createDurations(meter, descriptors.schedulerLag);
    this.statusGauge = createGauge(meter, descriptors.checkStatus);
    this.lastSuccessGauge = createGauge(meter, descriptors.checkLastSuccess);
    this.infoGauge = createGauge(meter, descriptors.checkInfo);
    this.serviceGauge = createGauge(meter, descriptors.status);
    this.observeAll();
  }

  checkAdded(check: CheckIdentity, status: Status, lastSuccessMs?: number): void {
    const attributes = createCheckAttributes(check);
    const factPoints = new FactPoints(check, attributes);
    this.byName.set(check.policy.name, {
      check,
      attributes,
      factPoints,
      status,
      hasResult: false,
      facts: noFacts,
      lastSuccessMs,
    });
    for (const outcome of verdicts) this.runs.add(0, attributes.outcomes[outcome]);
    for (const state of statuses) this.transitions.add(0, attributes.transitions[state]);
    this.addFactGauges(factPoints.families.map(({ descriptor }) => descriptor));
  }

  checkRemoved(check: CheckIdentity): void {
    if (this.watchedOf(check)) this.byName.delete(check.policy.name);
  }

  run(record: RunRecord): void {
    const watched = this.watchedOf(record.check);
    if (watched === undefined) return;
    if (record.durationMs !== undefined) this.recordRun(watched.attributes, record, record.durationMs / 1_000);
    this.moveTo(watched, record.previousStatus, record.status);
    watched.hasResult = true;
    watched.facts = record.facts;
    watched.lastSuccessMs = record.lastSuccessMs ?? watched.lastSuccessMs;
  }

  checkStatus(check: CheckIdentity, status: Status): void {
    const watched = this.watchedOf(check);
    if (watched === undefined) return;
    this.moveTo(watched, watched.status, status);
    watched.facts = noFacts;
  }

  serviceStatus(status: Status): void {
    this.serviceState = status;
  }

  orphaned(check: CheckIdentity): void {
    const watched = this.watchedOf(check);
    if (watched) this.orphanedRuns.add(1, watched.attributes.check);
  }

  missed(runs: number): void {
    this.missedRuns.add(runs);
  }

  lag(seconds: number): void {
    this.lagSeconds.record(seconds);
  }

  close(): void {
    this.meter.removeBatchObservableCallback(this.observe, this.observed);
    this.observed = [];
  }

  private watchedOf(check: CheckIdentity): Watched | undefined {
    const watched = this.byName.get(check.policy.name);
    return watched?.check === check ? watched : undefined;
  }

  private recordRun(attributes: CheckAttributes, { outcome, reason }: RunRecord, seconds: number): void {
    if (outcome !== "unhealthy") {
      this.durations.record(seconds, attributes.check);
      this.runs.add(1, attributes.outcomes[outcome]);
      return;
    }
    this.durations.record(seconds, attributes.failedDuration(reason ?? "internal"));
    this.runs.add(1, attributes.failedRuns(reason ?? "internal"));
  }

  private moveTo(watched: Watched, from: Status, to: Status): void {
    if (countsTransition(from, to, !watched.hasResult)) this.transitions.add(1, watched.attributes.transitions[to]);
    watched.status = to;
  }

  private addFactGauges(all: readonly Descriptor[]): void {
    const added = all.filter((descriptor) => !this.factGauges.has(descriptor.name));
    for (const descriptor of added) this.factGauges.set(descriptor.name, createGauge(this.meter, descriptor));
    if (added.length > 0) this.observeAll();
  }

  private observeAll(): void {
    this.meter.removeBatchObservableCallback(this.observe, this.observed);
    this.observed = [
      this.statusGauge,
      this.lastSuccessGauge,
      this.infoGauge,
      this.serviceGauge,
      ...this.factGauges.values(),
    ];
    this.meter.addBatchObservableCallback(this.observe, this.observed);
  }

  private readonly observe = (result: BatchObservableResult): void => {
    observeStates(result, this.serviceGauge, this.serviceState, serviceStates);
    for (const watched of this.byName.values()) this.observeCheck(result, watched);
  };

  private observeCheck(result: BatchObservableResult, watched: Watched): void {
    const { attributes } = watched;
    observeStates(result, this.statusGauge, watched.status, attributes.states);
    result.observe(this.infoGauge, 1, attributes.info);
    if (watched.lastSuccessMs !== undefined) {
      result.observe(this.lastSuccessGauge, watched.lastSuccessMs / 1_000, attributes.check);
    }
    watched.factPoints.observe(watched.facts, (descriptor, value, factAttributes) => {
      const gauge = this.factGauges.get(descriptor.name);
      if (gauge) result.observe(gauge, value, factAttributes);
    });
  }
}

function observeStates(
  result: BatchObservableResult,
  gauge: ObservableGauge,
  current: Status,
  states: Readonly<Record<Status, Attributes>>,
): void {
  for (const state of statuses) result.observe(gauge, state === current ? 1 : 0, states[state]);
}
