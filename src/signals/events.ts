import { ROOT_CONTEXT, TraceFlags, trace } from "@opentelemetry/api";
import { type AnyValueMap, type Logger, type LogRecord, SeverityNumber } from "@opentelemetry/api-logs";
import type { Status } from "../check.js";
import { attr, event } from "../semconv.js";
import { isolated } from "./isolated.js";
import type { ServiceChange, StatusChange } from "./record.js";
import type { Scrub } from "./scrubber.js";

export interface ReloadEvent {
  readonly isAccepted: boolean;
  readonly configHash: string;
  /** One line per problem; empty when accepted. */
  readonly problems: readonly string[];
  readonly atMs: number;
}

/** Says each change as an OpenTelemetry event (a log record with an event name), never a run. */
export interface Events {
  checkChanged(change: StatusChange): void;
  serviceChanged(change: ServiceChange): void;
  configReloaded(reload: ReloadEvent): void;
}

const severity: Readonly<Record<Status, SeverityNumber>> = {
  healthy: SeverityNumber.INFO,
  degraded: SeverityNumber.WARN,
  unhealthy: SeverityNumber.ERROR,
  unknown: SeverityNumber.WARN,
};

export function createEvents(logger: Pick<Logger, "emit">, scrub: Scrub): Events {
  const emit = (record: LogRecord): void => isolated(() => logger.emit(record));
  return {
    checkChanged: (change) => {
      emit({
        eventName: event.checkStateChange,
        timestamp: change.atMs,
        severityNumber: severity[change.to],
        attributes: checkAttributes(change, scrub),
        context: contextOf(change),
      });
    },
    serviceChanged: (change) => {
      emit({
        eventName: event.stateChange,
        timestamp: change.atMs,
        severityNumber: severity[change.to],
        attributes: {
          [attr.state]: change.to,
          [attr.previousState]: change.from,
          [attr.checkMessage]: scrub(change.message),
        },
        context: ROOT_CONTEXT,
      });
    },
    configReloaded: (reload) => {
      emit({
        eventName: event.configReload,
        timestamp: reload.atMs,
        severityNumber: reload.isAccepted ? SeverityNumber.INFO : SeverityNumber.ERROR,
        attributes: {
          [attr.configResult]: reload.isAccepted ? "accepted" : "refused",
          [attr.configHash]: reload.configHash,
          ...(reload.problems.length > 0 && { [attr.configProblems]: reload.problems.map(scrub) }),
        },
        context: ROOT_CONTEXT,
      });
    },
  };
}

function checkAttributes({ check: { policy }, from, to, reason, message }: StatusChange, scrub: Scrub): AnyValueMap {
  const attributes: AnyValueMap = {
    [attr.checkName]: policy.name,
    [attr.checkKind]: policy.kind,
    [attr.checkCritical]: policy.critical,
    [attr.checkState]: to,
    [attr.checkPreviousState]: from,
  };
  if (policy.owner !== undefined) attributes[attr.checkOwner] = policy.owner;
  if (policy.runbook !== undefined) attributes[attr.checkRunbook] = policy.runbook;
  for (const key in policy.labels) attributes[attr.checkLabelPrefix + key] = policy.labels[key];
  if (to === "unhealthy" && reason !== undefined) attributes[attr.errorType] = reason;
  if (message !== undefined) attributes[attr.checkMessage] = scrub(message);
  return attributes;
}

function contextOf({ traceId, spanId }: StatusChange): typeof ROOT_CONTEXT {
  if (traceId === undefined || spanId === undefined) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: TraceFlags.SAMPLED });
}
