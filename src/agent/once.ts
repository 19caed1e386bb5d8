import type { AgentConfig } from "../config/agent-config.js";
import { systemClock } from "../engine/clock.js";
import { HealthService } from "../engine/health-service.js";
import type { DependencyReport, Report } from "../health/report.js";
import type { Events } from "../signals/events.js";
import type { RecordSink } from "../signals/record.js";
import { createScrubber } from "../signals/scrubber.js";
import { createSilentRecorder, createSpanRecorder, type RecordedSpan } from "../telemetry/span-recorder.js";

export type { DependencyReport, RecordedSpan, Report };

export interface OnceOptions {
  readonly config: AgentConfig;
  /** Only these checks; all of them unless said. */
  readonly names?: readonly string[];
  /** Whether the runs' spans are recorded, phases included. */
  readonly records?: boolean;
  /** Called as each check has its result. */
  readonly onResult?: (name: string) => void;
}

export interface OnceResult {
  readonly report: Report;
  readonly spans: readonly RecordedSpan[];
}

const closeLimitMs = 1_000;

/** Runs checks once and tells what they found: no schedule, no listener, nothing exported. */
export async function checkOnce(options: OnceOptions): Promise<OnceResult> {
  const { config, onResult } = options;
  const recorder = options.records ? await createSpanRecorder() : createSilentRecorder();
  const service = new HealthService(
    {
      version: config.service.version,
      instance: config.service.instance,
      readiness: "dependencies",
      concurrency: config.concurrency,
      watchesScheduler: false,
      clock: systemClock,
    },
    {
      tracing: {
        tracer: recorder.tracer,
        successRatio: 1,
        hasPhaseSpans: true,
        propagates: config.telemetry.propagate,
        scrub: createScrubber(config.secrets),
      },
      sink: noSink,
      events: () => noEvents,
    },
  );
  const chosen = config.checks.filter(({ policy }) => options.names?.includes(policy.name) ?? true);
  for (const { policy, kind, options: own } of chosen) service.add(policy, kind, kind.create(own));
  await Promise.all(chosen.map(({ policy: { name } }) => service.runOnce([name]).then(() => onResult?.(name))));
  const report = service.report();
  await service.stop(closeLimitMs);
  return { report, spans: recorder.spans() };
}

const nothing = (): void => {};
const noEvents: Events = { checkChanged: nothing, serviceChanged: nothing, configReloaded: nothing };
const noSink: RecordSink = {
  checkAdded: nothing,
  checkRemoved: nothing,
  run: nothing,
  checkStatus: nothing,
  serviceStatus: nothing,
  orphaned: nothing,
  missed: nothing,
  lag: nothing,
};
