import type { Attributes, Meter } from "@opentelemetry/api";
import { attr } from "../semconv.js";
import { descriptors } from "./descriptors.js";
import { createGauge } from "./instruments.js";

export interface AgentInstrumentOptions {
  readonly version: string;
  readonly configHash: string;
  /** Says the info: an instrument would go on saying the hashes of earlier configurations beside the new one. */
  readonly counts: { agentInfo: Attributes | undefined };
  /** Which of how many agents this is; a missing one is seen by the others' number alone. */
  readonly shard?: { readonly index: number; readonly of: number } | undefined;
  readonly now?: () => number;
}

/** What the agent says about itself. */
export interface AgentInstruments {
  /** A configuration was accepted, with its hash, or refused. */
  configLoaded(load: { readonly isAccepted: boolean; readonly configHash?: string }): void;
}

/** Observables of the agent itself: they read what holds when somebody collects. */
export function createAgentInstruments(meter: Meter, options: AgentInstrumentOptions): AgentInstruments {
  const now = options.now ?? Date.now;
  let loadedAtMs = now();
  let isLastLoadAccepted = true;
  const inform = (configHash: string): void => {
    options.counts.agentInfo = { [attr.agentVersion]: options.version, [attr.configHash]: configHash };
  };
  inform(options.configHash);
  createGauge(meter, descriptors.agentHeartbeat).addCallback((result) => result.observe(now() / 1_000));
  if (options.shard) {
    const { index, of } = options.shard;
    createGauge(meter, descriptors.agentShards).addCallback((result) =>
      result.observe(of, { [attr.shardIndex]: index }),
    );
  }
  createGauge(meter, descriptors.configLastReload).addCallback((result) => result.observe(loadedAtMs / 1_000));
  createGauge(meter, descriptors.configLastReloadSuccess).addCallback((result) =>
    result.observe(isLastLoadAccepted ? 1 : 0),
  );
  return {
    configLoaded({ isAccepted, configHash }) {
      isLastLoadAccepted = isAccepted;
      if (!isAccepted) return;
      loadedAtMs = now();
      if (configHash !== undefined) inform(configHash);
    },
  };
}

/** Signals by the name that `health.telemetry.signal` has for them. */
export const signals = ["traces", "metrics", "logs"] as const;
export type Signal = (typeof signals)[number];

/** What was not delivered, by signal; signals that are not exported are left out. */
export function createDropCounter(meter: Meter, dropped: () => Iterable<readonly [Signal, number]>): void {
  const { name, unit, description } = descriptors.telemetryDropped;
  meter.createObservableCounter(name, { unit, description }).addCallback((result) => {
    for (const [signal, count] of dropped()) result.observe(count, { [attr.signal]: signal });
  });
}
