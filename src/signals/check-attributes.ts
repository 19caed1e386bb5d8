import type { Attributes } from "@opentelemetry/api";
import { formatDuration, type Reason, type Status, type Verdict } from "../check.js";
import { attr } from "../semconv.js";
import type { CheckIdentity } from "./record.js";

/** Every attribute set of one check's metrics, built once: recording must not allocate, and the writer remembers them. */
export interface CheckAttributes {
  readonly check: Attributes;
  readonly info: Attributes;
  readonly states: Readonly<Record<Status, Attributes>>;
  readonly transitions: Readonly<Record<Status, Attributes>>;
  readonly outcomes: Readonly<Record<Verdict, Attributes>>;
  /** Of an unhealthy run, by its reason. */
  failedDuration(reason: Reason): Attributes;
  failedRuns(reason: Reason): Attributes;
  item(name: string): Attributes;
}

export function createCheckAttributes({ policy }: CheckIdentity): CheckAttributes {
  const { name, kind, critical, labels } = policy;
  // Keys written out, no set spread into the next: V8 keeps what it spreads of two keys as a hash table, 220 bytes
  // instead of 56, and there are seven of them in each check.
  const withOne = (key: string, value: string): Attributes => ({
    [attr.checkName]: name,
    [attr.checkKind]: kind,
    [key]: value,
  });
  return {
    check: { [attr.checkName]: name, [attr.checkKind]: kind },
    info: {
      [attr.checkName]: name,
      [attr.checkKind]: kind,
      [attr.checkCritical]: critical,
      [attr.checkInterval]: formatDuration(policy.intervalMs),
      ...(policy.owner !== undefined && { [attr.checkOwner]: policy.owner }),
      ...(policy.runbook !== undefined && { [attr.checkRunbook]: policy.runbook }),
      ...Object.fromEntries(Object.entries(labels).map(([key, value]) => [attr.checkLabelPrefix + key, value])),
    },
    states: ofStatuses((state) => ({
      [attr.checkName]: name,
      [attr.checkKind]: kind,
      [attr.checkCritical]: critical,
      [attr.checkState]: state,
    })),
    transitions: ofStatuses((state) => withOne(attr.checkState, state)),
    outcomes: {
      healthy: withOne(attr.checkOutcome, "healthy"),
      degraded: withOne(attr.checkOutcome, "degraded"),
      unhealthy: withOne(attr.checkOutcome, "unhealthy"),
    },
    failedDuration: remembered((reason) => withOne(attr.errorType, reason)),
    failedRuns: remembered((reason) => ({ ...withOne(attr.checkOutcome, "unhealthy"), [attr.errorType]: reason })),
    item: (item) => withOne(attr.checkItem, item),
  };
}

/** Written out: what `Object.fromEntries` makes of it is three times as large, twice in each check. */
const ofStatuses = (build: (status: Status) => Attributes): Readonly<Record<Status, Attributes>> => ({
  healthy: build("healthy"),
  degraded: build("degraded"),
  unhealthy: build("unhealthy"),
  unknown: build("unknown"),
});

export const serviceStates = ofStatuses((state) => ({ [attr.state]: state }));

/** Made with the first reason: most checks never fail in any way. */
function remembered(build: (reason: Reason) => Attributes): (reason: Reason) => Attributes {
  let built: Map<Reason, Attributes> | undefined;
  return (reason) => {
    built ??= new Map();
    let attributes = built.get(reason);
    if (attributes === undefined) {
      attributes = build(reason);
      built.set(reason, attributes);
    }
    return attributes;
  };
}
