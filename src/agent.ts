import { setTimeout as delay } from "node:timers/promises";
import { trace } from "@opentelemetry/api";
import { logs } from "@opentelemetry/api-logs";
import { watchDescriptors } from "./agent/descriptor-watch.js";
import { type Check, formatDuration, type Status } from "./check.js";
import type { AgentConfig, ConfiguredCheck } from "./config/agent-config.js";
import { diffConfigs } from "./config/diff.js";
import type { LoadResult } from "./config/load-config.js";
import { formatProblem } from "./config/problem.js";
import { describeShard } from "./config/shard.js";
import { systemClock } from "./engine/clock.js";
import { HealthService } from "./engine/health-service.js";
import type { Log } from "./log.js";
import { agentVersion, scopeName } from "./semconv.js";
import { createEndpoints, type EndpointsOptions } from "./server/endpoints.js";
import { type Listener, startListener } from "./server/listener.js";
import { type AgentInstruments, createAgentInstruments } from "./signals/agent-instruments.js";
import { CheckCounts } from "./signals/counts.js";
import { createEvents, type Events } from "./signals/events.js";
import { createProbeInstruments } from "./signals/probe-instruments.js";
import type { TracingOptions } from "./signals/run-span.js";
import { createScrubber, type Scrub } from "./signals/scrubber.js";
import type { Telemetry } from "./telemetry/providers.js";

export interface AgentOptions {
  readonly config: AgentConfig;
  readonly log: Log;
  /** Reads the configuration again; without it a reload is refused. */
  readonly reload?: () => LoadResult | Promise<LoadResult>;
}

export interface RunningAgent {
  readonly url: string;
  readonly health: HealthService;
  /** Takes the configuration over if it is good; a bad one changes nothing and is said in log, event and metric. */
  reload(trigger: string): Promise<void>;
  /** Not ready from now on; synchronous, so that a signal handler can do it. */
  drain(): void;
  /** Serves on for `drainDelayMs` (the config's unless said), then closes, stops the checks and flushes telemetry. */
  stop(options?: { readonly drainDelayMs?: number }): Promise<void>;
}

const letInMs = 1;
const closeGraceMs = 2_000;
const stopChecksMs = 1_000;
const flushMs = 3_000;

/**
 * Config in, running agent out. The listener comes first, so that liveness is answered at once; Express, the SDK and
 * the checks follow.
 */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const { config, log } = options;
  const signals = createSignals(config);
  const health = createService(config, signals);
  logChanges(health, log);
  let connecting: Promise<Telemetry> | undefined;
  const connectOnce = (): Promise<Telemetry> => {
    connecting ??= connect(signals, options);
    return connecting;
  };
  const endpoints: EndpointsOptions = {
    settings: config.server,
    metrics: { render: async (accept) => (await connectOnce()).metrics.render(accept) },
    page: { ...config.service, service: config.service.name, traceUrl: config.server.traceUrl },
    onError: (error) => log.error({ error }, "an endpoint failed"),
  };
  const listener = await startListener(config.server, createEndpoints(health, endpoints).middleware);
  log.info({ url: listener.url, version: agentVersion }, `healthspan ${agentVersion} listens on ${listener.url}`);
  try {
    // What follows holds the event loop while it loads: whoever asks is answered before, and in between.
    await delay(letInMs);
    const telemetry = await connectOnce();
    await delay(letInMs);
    const app = await import("./server/app.js");
    await delay(letInMs);
    const observer = createProbeInstruments(telemetry.meter);
    const observed = createEndpoints(health, { ...endpoints, observer });
    listener.use(app.createApp({ source: health, endpoints: observed, onError: endpoints.onError }));
    return runBehind(listener, telemetry, health, signals, options);
  } catch (error) {
    await listener.close(0);
    throw error;
  }
}

function runBehind(
  listener: Listener,
  telemetry: Telemetry,
  health: HealthService,
  signals: AgentSignals,
  options: AgentOptions,
): RunningAgent {
  const { config, log } = options;
  const identity = { version: agentVersion, configHash: config.hash, counts: signals.counts, shard: config.shard };
  const instruments = createAgentInstruments(telemetry.meter, identity);
  for (const configured of config.checks) register(health, configured, configured.kind.create(configured.options), log);
  void health.start().then(() => logFirstReport(health, log));
  const stopWatching = watchDescriptors(log);
  return {
    url: listener.url,
    health,
    reload: createReload({ options, health, signals, instruments }),
    drain: () => health.drain(),
    stop: async ({ drainDelayMs = config.server.drainDelayMs } = {}) => {
      stopWatching();
      health.drain();
      if (drainDelayMs > 0) {
        log.info(
          { drain_delay_ms: drainDelayMs },
          `draining: not ready, serving on for ${formatDuration(drainDelayMs)}`,
        );
        await delay(drainDelayMs);
      }
      await Promise.all([listener.close(closeGraceMs), health.stop(stopChecksMs)]);
      await telemetry.shutdown(flushMs);
      log.info({}, "stopped");
    },
  };
}

/** What the service says, and through what: tracer and event logger are no-ops until telemetry is connected. */
interface AgentSignals {
  readonly counts: CheckCounts;
  readonly tracing: Mutable<TracingOptions>;
  events: Events;
  /** Replaced by a reload, with the secrets. */
  scrub: Scrub;
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

function createSignals({ telemetry, secrets }: AgentConfig): AgentSignals {
  const signals: AgentSignals = {
    counts: new CheckCounts(),
    tracing: {
      tracer: trace.getTracer(scopeName),
      successRatio: telemetry.traces?.successRatio ?? 1,
      hasPhaseSpans: telemetry.traces?.phases ?? false,
      propagates: telemetry.propagate,
      scrub: (text) => signals.scrub(text),
    },
    events: createEvents(logs.getLogger(scopeName), (text) => signals.scrub(text)),
    scrub: createScrubber(secrets),
  };
  return signals;
}

function createService({ service, server, concurrency }: AgentConfig, signals: AgentSignals): HealthService {
  return new HealthService(
    {
      version: service.version,
      instance: service.instance,
      readiness: server.readiness,
      concurrency,
      watchesScheduler: true,
      clock: systemClock,
    },
    { tracing: signals.tracing, sink: signals.counts, events: () => signals.events },
  );
}

async function connect(signals: AgentSignals, { config, log }: AgentOptions): Promise<Telemetry> {
  const { startTelemetry } = await import("./telemetry/providers.js");
  const telemetry = await startTelemetry(config.telemetry, {
    counts: signals.counts,
    version: agentVersion,
    onDiagnostic: ({ level, message }) => log[level]({}, message),
  });
  signals.tracing.tracer = telemetry.tracer;
  signals.events = createEvents(telemetry.logger, signals.tracing.scrub);
  return telemetry;
}

function register(health: HealthService, { policy, kind }: ConfiguredCheck, check: Check, log: Log): void {
  health.add(policy, kind, check);
  const { name, critical, intervalMs } = policy;
  const importance = critical ? "critical" : "optional";
  log.info(
    { check: name, kind: kind.kind, critical, interval_ms: intervalMs },
    `check ${name} registered: ${kind.kind}, ${importance}, every ${formatDuration(intervalMs)}`,
  );
}

function logFirstReport(health: HealthService, log: Log): void {
  const { status, message, readiness } = health.report();
  log.info({ status, readiness }, `first report: ${status}. ${message}`);
}

const levels: Readonly<Record<Status, "info" | "warn" | "error">> = {
  healthy: "info",
  degraded: "warn",
  unhealthy: "error",
  unknown: "warn",
};

/** One line per change, never one per run. */
function logChanges(health: HealthService, log: Log): void {
  health.on("change", ({ check, from, to, reason, message, detail, traceId }) => {
    const why = message === undefined ? "" : `: ${message}`;
    const fields = { check: check.policy.name, from, to, reason, detail, trace_id: traceId };
    log[levels[to]](fields, `check ${check.policy.name} is ${to}${why}`);
  });
  health.on("status", ({ from, to, message }) => log[levels[to]]({ from, to }, `the service is ${to}: ${message}`));
}

interface ReloadContext {
  readonly options: AgentOptions;
  readonly health: HealthService;
  readonly signals: AgentSignals;
  readonly instruments: AgentInstruments;
}

/** Reloads run one after another; each is taken over whole or not at all. */
function createReload({ options, health, signals, instruments }: ReloadContext): RunningAgent["reload"] {
  const { log } = options;
  let current = options.config;
  const refuse = (trigger: string, problems: readonly string[]): void => {
    instruments.configLoaded({ isAccepted: false });
    const refused = { isAccepted: false, configHash: current.hash, problems, atMs: Date.now() };
    signals.events.configReloaded(refused);
    log.error({ trigger }, `reload refused, the running configuration stays: ${problems.join(" | ")}`);
  };
  const accept = (trigger: string, next: AgentConfig): void => {
    const difference = diffConfigs(current, next);
    if (difference.restartNeeded.length > 0) {
      refuse(trigger, [`${difference.restartNeeded.join(", ")} changed; restart needed`]);
      return;
    }
    const created = [...difference.added, ...difference.recreated].map((configured) => ({
      configured,
      check: configured.kind.create(configured.options),
    }));
    signals.scrub = createScrubber([...current.secrets, ...next.secrets]);
    current = next;
    for (const { policy } of difference.removed) health.remove(policy.name);
    for (const { policy } of difference.repoliced) health.repolicy(policy.name, policy);
    for (const { configured, check } of created) register(health, configured, check, log);
    instruments.configLoaded({ isAccepted: true, configHash: next.hash });
    signals.events.configReloaded({ isAccepted: true, configHash: next.hash, problems: [], atMs: Date.now() });
    const { added, removed, recreated, repoliced } = difference;
    const counts = `${added.length} added, ${removed.length} removed, ${recreated.length + repoliced.length} changed`;
    const share = next.shard ? `; ${describeShard(next.shard, next.checks.length, next.checksOfAllShards)}` : "";
    log.info({ trigger }, `configuration reloaded: ${counts}${share}`);
  };
  const reload = async (trigger: string): Promise<void> => {
    const loaded = await options.reload?.();
    if (loaded === undefined) refuse(trigger, ["there is no configuration file to read again"]);
    else if (loaded.ok) accept(trigger, loaded.config);
    else refuse(trigger, loaded.problems.map(formatProblem));
  };
  let last = Promise.resolve();
  return (trigger) => {
    last = last.then(() => reload(trigger)).catch((error: unknown) => refuse(trigger, [String(error)]));
    return last;
  };
}
