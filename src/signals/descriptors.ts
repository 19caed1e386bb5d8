import { metric } from "../semconv.js";

/** Name, unit and sentence of one metric: the same whichever way it leaves. */
export interface Descriptor {
  readonly name: string;
  /** UCUM; empty for a plain number. */
  readonly unit: string;
  readonly description: string;
}

const describe = (name: string, unit: string, description: string): Descriptor => ({ name, unit, description });

// A gauge with unit "1" would be called `_ratio` in Prometheus: states, infos and flags carry no unit.
export const descriptors = {
  checkStatus: describe(
    metric.checkStatus,
    "",
    "Whether the check is in this state: 1 for the one that holds, 0 for the others.",
  ),
  checkDuration: describe(metric.checkDuration, "s", "How long runs of the check took."),
  checkRuns: describe(metric.checkRuns, "{run}", "Runs of the check by what they found."),
  checkTransitions: describe(metric.checkTransitions, "{transition}", "Changes of the check's state by the new state."),
  checkLastSuccess: describe(
    metric.checkLastSuccess,
    "s",
    "When the check was last found not unhealthy, in seconds since 1970.",
  ),
  checkInfo: describe(metric.checkInfo, "", "How the check is configured; always 1."),
  checkOrphanedRuns: describe(
    metric.checkOrphanedRuns,
    "{run}",
    "Runs that did not settle by their deadline and were left behind.",
  ),
  status: describe(
    metric.status,
    "",
    "Whether the service is in this state: 1 for the one that holds, 0 for the others.",
  ),
  probeRequests: describe(metric.probeRequests, "{request}", "Requests that the probe endpoints answered."),
  probeDuration: describe(metric.probeDuration, "s", "How long the probe endpoints took to answer."),
  schedulerLag: describe(metric.schedulerLag, "s", "How much later than due runs started."),
  schedulerMissedRuns: describe(metric.schedulerMissedRuns, "{run}", "Runs that were due and never started."),
  agentHeartbeat: describe(metric.agentHeartbeat, "s", "When the agent last reported, in seconds since 1970."),
  agentInfo: describe(metric.agentInfo, "", "Which agent runs with which configuration; always 1."),
  agentShards: describe(metric.agentShards, "{agent}", "How many agents share the checks, said by each of them."),
  configLastReloadSuccess: describe(
    metric.configLastReloadSuccess,
    "",
    "Whether the last attempt to load the configuration succeeded.",
  ),
  configLastReload: describe(
    metric.configLastReload,
    "s",
    "When the configuration in use was loaded, in seconds since 1970.",
  ),
  telemetryDropped: describe(
    metric.telemetryDropped,
    "{item}",
    "Spans, metric points and log records that were not delivered.",
  ),
} as const satisfies Record<keyof typeof metric, Descriptor>;
