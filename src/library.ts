import { hostname } from "node:os";
import type { BoundKind } from "./check.js";
import { systemClock } from "./engine/clock.js";
import { type HealthChanges, HealthService } from "./engine/health-service.js";
import type { HistoryEntry } from "./health/history.js";
import type { Report } from "./health/report.js";
import { assertHealthOptions, type HealthOptions } from "./library/health-options.js";
import { type CheckFunction, type RegisterOptions, readRegistration } from "./library/registration.js";
import type { Handler } from "./server/answer.js";
import { createGate, type GateOptions } from "./server/gate.js";
import { createProbes, type Probes, type ProbesOptions } from "./server/probes.js";
import { createHostSignals } from "./signals/host.js";
import { createScrubber, type Scrub } from "./signals/scrubber.js";

/** The health of one service, inside its process. */
export interface Health {
  /**
   * Adds a check, before or after the start (it then runs at once). Throws `TypeError` when it is no check, its options
   * cannot be, or its name is taken, and after `stop`.
   */
  register(check: CheckFunction | BoundKind, options: RegisterOptions): Health;
  /** Takes a check away; a name that no check has changes nothing. */
  unregister(name: string): void;
  report(): Report;
  history(name: string): readonly HistoryEntry[] | undefined;
  on<Name extends keyof HealthChanges>(name: Name, listener: (...change: HealthChanges[Name]) => void): Health;
  /**
   * Begins to run checks; resolves after their first results, at the latest after the start spread and the longest
   * timeout. Asked again it waits for the checks that have no result yet. Rejects after `stop`.
   */
  start(): Promise<void>;
  /** Runs checks once, now, whatever the schedule. Rejects for a name that no check has, and after `stop`. */
  runOnce(names?: readonly string[]): Promise<void>;
  /** `/livez`, `/healthz`, `/readyz` and `/startupz` for any server that takes `(req, res, next)`. */
  probes(options?: ProbesOptions): Probes;
  /** 503 to business traffic while the service is unhealthy. */
  gate(options?: GateOptions): Handler;
  /** Not ready from now on; call it first when the process is asked to end. */
  drain(): void;
  /** Ends all runs and closes the checks, for good; never longer than `limitMs`. A second call does no harm. */
  stop(limitMs?: number): Promise<void>;
}

const defaultConcurrency = 256;

/** Creates the health of the service this process is. Spans, metrics and events go to the host's OpenTelemetry. */
export function createHealth(options: HealthOptions = {}): Health {
  assertHealthOptions(options);
  const { service = {}, concurrency = {} } = options;
  const secrets = new Set<string>();
  let scrubber: Scrub | undefined;
  // Made at the first text after a registration: its forms cost too much to make them anew for each of many checks.
  const scrub: Scrub = (text) => {
    scrubber ??= createScrubber(secrets);
    return scrubber(text);
  };
  const signals = createHostSignals(scrub, options.successRatio ?? 1);
  let isStopped = false;
  const assertNotStopped = (): void => {
    if (isStopped) throw new TypeError("this health was stopped, for good; create another one");
  };
  const core = new HealthService(
    {
      version: service.version,
      instance: service.instance ?? `${service.name ?? "service"}@${hostname()}`,
      readiness: "dependencies",
      concurrency: { max: concurrency.max ?? defaultConcurrency, perKind: concurrency.perKind ?? {} },
      watchesScheduler: false,
      clock: systemClock,
    },
    signals,
  );
  /** The gate lets every path through that a probe of ours answers, renamed ones too. */
  const owned: Probes["owns"][] = [];
  const health: Health = {
    register(check, own) {
      assertNotStopped();
      const { policy, kind, check: made, secrets: texts } = readRegistration(check, own);
      if (core.has(policy.name)) {
        throw new TypeError(`check ${policy.name} is registered already; unregister it first`);
      }
      for (const text of texts) secrets.add(text);
      scrubber = undefined;
      core.add(policy, kind, made);
      return health;
    },
    unregister: (name) => core.remove(name),
    report: () => core.report(),
    history: (name) => core.history(name),
    on(name, listener) {
      if (!isChangeName(name)) {
        throw new TypeError(`there is no event "${String(name)}"; listen for ${changeNames.join(" or ")}`);
      }
      if (typeof listener !== "function") throw new TypeError(`on("${name}"): the listener is no function; give one`);
      core.on(name, listener);
      return health;
    },
    async start() {
      assertNotStopped();
      signals.connect();
      await core.start();
    },
    async runOnce(names) {
      assertNotStopped();
      if (names !== undefined && !Array.isArray(names)) {
        throw new TypeError("runOnce: the names are no list; write one, or nothing for all checks");
      }
      signals.connect();
      await core.runOnce(names);
    },
    probes(probes) {
      const made = createProbes(core, probes, { service: service.name, observer: signals.probes });
      owned.push(made.owns);
      return made;
    },
    gate: (gate) => createGate(core, gate, (req) => owned.some((owns) => owns(req))),
    drain: () => core.drain(),
    async stop(limitMs) {
      isStopped = true;
      await core.stop(limitMs);
      signals.disconnect();
    },
  };
  return health;
}

const changeNames = ["change", "status"] as const satisfies readonly (keyof HealthChanges)[];
const isChangeName = (name: unknown): name is keyof HealthChanges => changeNames.some((known) => known === name);
