import type { Attributes } from "@opentelemetry/api";
import { formatDuration, type Reason, type Status, statuses, type Verdict, verdicts } from "../check.js";
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
  const check: Attributes = { [attr.checkName]: policy.name, [attr.checkKind]: policy.kind };
  const critical: Attributes = { ...check, [attr.checkCritical]: policy.critical };
  return {
    check,
    info: {
      ...critical,
      [attr.checkInterval]: formatDuration(policy.intervalMs),
      ...(policy.owner !== undefined && { [attr.checkOwner]: policy.owner }),
      ...(policy.runbook !== undefined && { [attr.checkRunbook]: policy.runbook }),
      ...Object.fromEntries(Object.entries(policy.labels).map(([key, value]) => [attr.checkLabelPrefix + key, value])),
    },
    states: eachOf(statuses, (state) => ({ ...critical, [attr.checkState]: state })),
    transitions: eachOf(statuses, (state) => ({ ...check, [attr.checkState]: state })),
    outcomes: eachOf(verdicts, (outcome) => ({ ...check, [attr.checkOutcome]: outcome })),
    failedDuration: remembered((reason) => ({ ...check, [attr.errorType]: reason })),
    failedRuns: remembered((reason) => ({ ...check, [attr.checkOutcome]: "unhealthy", [attr.errorType]: reason })),
    item: (name) => ({ ...check, [attr.checkItem]: name }),
  };
}

export const serviceStates: Readonly<Record<Status, Attributes>> = eachOf(statuses, (state) => ({
  [attr.state]: state,
}));

function eachOf<Name extends string>(
  names: readonly Name[],
  build: (name: Name) => Attributes,
): Readonly<Record<Name, Attributes>> {
  return Object.fromEntries(names.map((name) => [name, build(name)])) as Record<Name, Attributes>;
}

function remembered(build: (reason: Reason) => Attributes): (reason: Reason) => Attributes {
  const built = new Map<Reason, Attributes>();
  return (reason) => {
    let attributes = built.get(reason);
    if (attributes === undefined) {
      attributes = build(reason);
      built.set(reason, attributes);
    }
    return attributes;
  };
}
