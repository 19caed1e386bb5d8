import type { Attributes, Meter } from "@opentelemetry/api";
import type { Phase, Status } from "../check.js";
import { attr } from "../semconv.js";
import { descriptors } from "./descriptors.js";
import { createCounter, createDurations } from "./instruments.js";

/** Counts the requests that probe endpoints answer; the server's port of the same shape. */
export interface ProbeInstruments {
  probe(name: string, statusCode: number, state: Status | Phase, durationSeconds: number): void;
}

export function createProbeInstruments(meter: Meter): ProbeInstruments {
  const requests = createCounter(meter, descriptors.probeRequests);
  const durations = createDurations(meter, descriptors.probeDuration);
  const sets = new Map<string, { readonly request: Attributes; readonly duration: Attributes }>();
  return {
    probe(name, statusCode, state, durationSeconds) {
      const key = `${name} ${statusCode} ${state}`;
      let set = sets.get(key);
      if (set === undefined) {
        const duration = { [attr.probeName]: name, [attr.httpResponseStatusCode]: statusCode };
        set = { request: { ...duration, [attr.state]: state }, duration };
        sets.set(key, set);
      }
      requests.add(1, set.request);
      durations.record(durationSeconds, set.duration);
    },
  };
}
