import { z } from "zod";

/** What one run can find. `unknown` is no outcome: it is what holds while there is none. */
export const verdicts = ["healthy", "degraded", "unhealthy"] as const;
export type Verdict = (typeof verdicts)[number];

/** A judgement of a check or of the whole service. */
export const statuses = [...verdicts, "unknown"] as const;
export type Status = (typeof statuses)[number];

/** Where the process is; never a status. */
export type Phase = "starting" | "running" | "draining";

/** Why a run is not healthy: a closed list, used as `error.type` and as a metric attribute. */
export const reasons = [
  "timeout",
  "dns",
  "refused",
  "network",
  "tls",
  "auth",
  "not_found",
  "unavailable",
  "overloaded",
  "protocol",
  "unexpected",
  "threshold",
  "internal",
] as const;
export type Reason = (typeof reasons)[number];

export type FactScalar = string | number | boolean;
export type FactRow = Readonly<Record<string, FactScalar | null>>;
export type FactValue = FactScalar | readonly string[] | readonly FactRow[];
/** Small measured values that a run brings back, keyed by their JSON names. */
export type Facts = Readonly<Record<string, FactValue>>;

/** The gauge a fact becomes. `scale` turns the fact's unit into the metric's: 0.001 for `ms` to `s`. */
export interface FactMetric {
  /** OpenTelemetry name, `health.<kind>.<fact>`. */
  readonly name: string;
  /** UCUM unit: `s`, `By`, `1`, or an annotation such as `{connection}`. */
  readonly unit: string;
  readonly scale?: number;
  /** For a metric whose unit makes the fact's own description wrong (`days` in seconds). */
  readonly description?: string;
}

export interface FactSpec {
  readonly type: "number" | "string" | "boolean" | "list";
  /** Unit of the JSON value: `ms`, `%`, `GB`, `By`, `s`, `d`. */
  readonly unit?: string;
  readonly description: string;
  readonly metric?: FactMetric;
  /** For a list of rows: the field that names a row, and the fields that become metrics. */
  readonly items?: { readonly key: string; readonly metrics: Readonly<Record<string, FactMetric>> };
}
export type FactTable = Readonly<Record<string, FactSpec>>;

/** Whole paid runs that are left; a kind with `paidRunsPerDay` declares it among its facts. */
export const budgetFact = "budget_remaining";

/** What one run found. A degraded or unhealthy outcome carries a reason and a message written by us. */
export interface Outcome {
  readonly status: Verdict;
  readonly reason?: Reason;
  readonly message?: string;
  readonly facts?: Facts;
  /** The target's own words, as in `CheckFailureOptions`: for the span and the log only, scrubbed. */
  readonly detail?: string;
}

export interface CheckFailureOptions {
  readonly facts?: Facts;
  /** The client's own text. It reaches the span and the log only, scrubbed; never a metric or an HTTP body. */
  readonly detail?: string;
  /** The target asked to be left alone this long (`Retry-After`), milliseconds. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

const failureMark = Symbol.for("healthspan.CheckFailure");

/** Why a run is unhealthy. `message` is ours and safe to publish: no secret, no text of the target. */
export class CheckFailure extends Error {
  override readonly name = "CheckFailure";
  readonly reason: Reason;
  readonly facts: Facts;
  readonly detail: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(reason: Reason, message: string, options: CheckFailureOptions = {}) {
    super(message);
    this.reason = reason;
    this.facts = options.facts ?? {};
    this.detail = options.detail;
    this.retryAfterMs = options.retryAfterMs;
    // Not enumerable, so that a client's error (which may hold credentials) is in no JSON of ours.
    if (options.cause !== undefined) Object.defineProperty(this, "cause", { value: options.cause, enumerable: false });
  }

  /** For `util.inspect`, which would print the cause as well. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `${this.name}: ${this.reason}: ${this.message}`;
  }
}

Object.defineProperty(CheckFailure.prototype, failureMark, { value: true });
/**
 * By a mark instead of the prototype: a program may hold this package twice (required here, imported there, or in two
 * versions below two of its packages), and a refusal must not turn into a bug on its way between them.
 */
Object.defineProperty(CheckFailure, Symbol.hasInstance, {
  value(this: unknown, error: unknown): boolean {
    // A class of its own below this one means itself.
    if (this !== CheckFailure) return Function.prototype[Symbol.hasInstance].call(this as typeof CheckFailure, error);
    return typeof error === "object" && error !== null && failureMark in error;
  },
});

export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** One remote call of a run, as a CLIENT span. */
export interface ClientSpan {
  /** W3C `traceparent` of this call, to be sent to the target; undefined when nothing is traced. */
  readonly traceparent: string | undefined;
  set(attributes: SpanAttributes): void;
  /** A part of the call (`dns`, `connect`, `tls`, `ttfb`) as a child span, times by `performance.now()`; kept only where phase spans are on. */
  phase(name: string, startMs: number, endMs: number): void;
}

/** What a run may say about itself; everything else is said by the engine. */
export interface RunTrace {
  /** Runs `call` inside a CLIENT span; a thrown `CheckFailure` gives the span ERROR and its reason as `error.type`. */
  client<Result>(
    name: string,
    attributes: SpanAttributes,
    call: (span: ClientSpan) => Promise<Result>,
  ): Promise<Result>;
}

/** Of an `AbortSignal` what it takes to hear of the end. */
export interface Cancellation {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

export interface CheckRun {
  /** Aborted at the deadline and at shutdown; `signal.reason` is a `CheckFailure`. */
  readonly signal: AbortSignal;
  /** The same for less, for who hands it to nobody's client. Absent in a run that the engine did not begin. */
  readonly cancellation?: Cancellation;
  /** The run's deadline, milliseconds from its start: for what a client or a server can enforce itself. */
  readonly timeoutMs: number;
  readonly trace: RunTrace;
  /**
   * Of a check with `paidRunsPerDay` only: to be called right before what costs money. Takes one run from the budget;
   * false while it is spent, and the run must then do without. Asked again it says the same, and takes nothing more.
   */
  readonly spend?: () => boolean;
}

export interface Check {
  /**
   * Its runs cost money, and at most so many a day may. The engine keeps the budget and adds the fact `budgetFact` to
   * every run. A run that spent nothing can worsen what the last paid one found, never better it.
   */
  readonly paidRunsPerDay?: number;
  /** Answers one question; throws `CheckFailure` when the answer is no. Anything else thrown is `internal`. */
  run(run: CheckRun): Promise<Outcome>;
  /** Called once, after the last run has settled. */
  close?(): Promise<void>;
}

export interface Bound {
  readonly above?: number | undefined;
  readonly below?: number | undefined;
}
export interface Threshold {
  readonly degraded?: Bound | undefined;
  readonly unhealthy?: Bound | undefined;
}
/** By fact name, or `duration_ms`. */
export type Thresholds = Readonly<Record<string, Threshold>>;

export interface KindDefaults {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly failingIntervalMs?: number;
  readonly thresholds?: Thresholds;
}

/** A check that the environment names: no-file mode and `init`. */
export interface DiscoveredCheck {
  readonly name: string;
  readonly critical: boolean;
  /** Options as a config file would say them; secrets as `${env:NAME}`. */
  readonly options: Readonly<Record<string, unknown>>;
  /** What it was found by, for people: `DATABASE_URL is set`. */
  readonly because: string;
}

/** A type of check. Options, facts and defaults are declared here once; schema, docs and dashboards are made from them. */
export interface CheckKind<Options = unknown, Injected = unknown> {
  readonly kind: string;
  /** One sentence for people: what is healthy. */
  readonly summary: string;
  readonly options: z.ZodType<Options>;
  readonly facts: FactTable;
  /** Facts that are not declared (`exec`, custom): they become `health.<kind>.value` by item. */
  readonly hasOpenFacts?: boolean;
  /** For what an operator must allow beforehand: a config with such a check is refused without this flag on the command line. */
  readonly consent?: { readonly flag: string; readonly because: string };
  /** Its facts are the report's `resources`. */
  readonly isResources?: boolean;
  readonly defaults: KindDefaults;
  /** Does no I/O: an unreachable server is a failed run, not a failed start. */
  create(options: Options, injected?: Injected): Check;
  discover?(environment: Readonly<Record<string, string | undefined>>): DiscoveredCheck | undefined;
  /** Where its server usually listens on a developer's machine, and the check to begin with: `init`. */
  readonly local?: Omit<DiscoveredCheck, "because"> & { readonly port: number };
  fromUrl?(url: URL): Readonly<Record<string, unknown>> | undefined;
  /** A URL that `fromUrl` takes, for help and errors; its scheme begins with the kind's name. */
  readonly urlExample?: string;
}

/** A kind with its options: what a kind's factory makes, and the library registers. */
export interface BoundKind {
  readonly kind: CheckKind;
  readonly options: unknown;
  /** What a config file cannot say: the app's own pool or client. */
  readonly injected?: unknown;
}

/** A string option that must never be published. Marked in the schema, so that masking and scrubbing find it. */
export function secret(description: string): z.ZodString {
  return z.string().min(1, "is empty; give it a value or leave it out").meta({ description, secret: true });
}

export interface PolicyOptions {
  readonly critical?: boolean | undefined;
  readonly enabled?: boolean | undefined;
  readonly intervalMs?: number | undefined;
  readonly timeoutMs?: number | undefined;
  readonly failingIntervalMs?: number | undefined;
  readonly failureThreshold?: number | undefined;
  readonly successThreshold?: number | undefined;
  readonly thresholds?: Thresholds | undefined;
  readonly description?: string | undefined;
  readonly owner?: string | undefined;
  readonly runbook?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** How one check is run and judged: kind, defaults and its own options merged. */
export interface CheckPolicy {
  readonly name: string;
  readonly kind: string;
  readonly critical: boolean;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly failingIntervalMs: number;
  readonly failureThreshold: number;
  readonly successThreshold: number;
  readonly thresholds: Thresholds;
  readonly description?: string;
  readonly owner?: string;
  readonly runbook?: string;
  readonly labels: Readonly<Record<string, string>>;
}

const fallbackFailingIntervalMs = 5_000;

/**
 * The policy of a check: its own options win over `defaults` (the config's), those over the kind's.
 * A default timeout shrinks to the interval; the failing interval stays between timeout and interval.
 */
export function createPolicy(
  name: string,
  kind: Pick<CheckKind, "kind" | "defaults">,
  own: PolicyOptions = {},
  defaults: PolicyOptions = {},
): CheckPolicy {
  const intervalMs = own.intervalMs ?? defaults.intervalMs ?? kind.defaults.intervalMs;
  const timeoutMs = own.timeoutMs ?? Math.min(defaults.timeoutMs ?? kind.defaults.timeoutMs, intervalMs);
  const failingIntervalMs =
    own.failingIntervalMs ?? defaults.failingIntervalMs ?? kind.defaults.failingIntervalMs ?? fallbackFailingIntervalMs;
  const description = own.description ?? defaults.description;
  const owner = own.owner ?? defaults.owner;
  const runbook = own.runbook ?? defaults.runbook;
  return {
    name,
    kind: kind.kind,
    critical: own.critical ?? defaults.critical ?? false,
    intervalMs,
    timeoutMs,
    failingIntervalMs: Math.min(Math.max(failingIntervalMs, timeoutMs), intervalMs),
    failureThreshold: own.failureThreshold ?? defaults.failureThreshold ?? 2,
    successThreshold: own.successThreshold ?? defaults.successThreshold ?? 1,
    thresholds: { ...kind.defaults.thresholds, ...defaults.thresholds, ...own.thresholds },
    labels: { ...defaults.labels, ...own.labels },
    ...(description !== undefined && { description }),
    ...(owner !== undefined && { owner }),
    ...(runbook !== undefined && { runbook }),
  };
}

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const durationPattern = /^(\d+)(?:\.(\d+))?(ms|s|m|h)$/;

/** Milliseconds of `250ms`, `30s`, `5m` or `1h`; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, whole, fraction = "", unit] = durationPattern.exec(text) ?? [];
  if (whole === undefined) return undefined;
  // Digits first, the point last: 1.005 times 1000 is no whole number.
  const milliseconds = (Number(whole + fraction) * unitMs[unit as keyof typeof unitMs]) / 10 ** fraction.length;
  return Number.isSafeInteger(milliseconds) && milliseconds > 0 ? milliseconds : undefined;
}

/** The shortest exact text of a duration: 90000 is `90s`, 3600000 is `1h`. */
export function formatDuration(milliseconds: number): string {
  const unit = (["h", "m", "s"] as const).find((candidate) => milliseconds % unitMs[candidate] === 0) ?? "ms";
  return `${milliseconds / unitMs[unit]}${unit}`;
}

const maxTargetTextLength = 256;
/** Control and format characters (terminal escapes, bidirectional marks), line and paragraph separators. */
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** Text that a target supplied, made safe to show: control characters out, at most 256 characters. */
export function cleanText(text: string): string {
  const visible = text
    .slice(0, 4 * maxTargetTextLength)
    .replace(invisible, " ")
    .trim();
  return visible.length <= maxTargetTextLength ? visible : `${visible.slice(0, maxTargetTextLength - 1)}…`;
}

interface MarkedSchema {
  readonly secret?: boolean;
  readonly properties?: Readonly<Record<string, MarkedSchema>>;
  readonly additionalProperties?: MarkedSchema | boolean;
  readonly items?: MarkedSchema | readonly MarkedSchema[];
  readonly anyOf?: readonly MarkedSchema[];
  readonly oneOf?: readonly MarkedSchema[];
  readonly allOf?: readonly MarkedSchema[];
}

const markedSchemas = new WeakMap<z.ZodType, MarkedSchema>();

/** What people may write for options, as JSON Schema draft 7, `secret: true` on what must not be published; made once. */
export function optionsJsonSchema({ options }: Pick<CheckKind, "options">): MarkedSchema {
  let schema = markedSchemas.get(options);
  if (schema === undefined) {
    schema = z.toJSONSchema(options, { io: "input", target: "draft-7", unrepresentable: "any" }) as MarkedSchema;
    markedSchemas.set(options, schema);
  }
  return schema;
}

/** Every secret that the options hold: values of options marked so, and the credentials inside a secret URL. */
export function secretsOf(kind: Pick<CheckKind, "options">, options: unknown): readonly string[] {
  const found = new Set<string>();
  collectSecrets(optionsJsonSchema(kind), options, found);
  return [...found];
}

function collectSecrets(schema: MarkedSchema, value: unknown, found: Set<string>): void {
  if (schema.secret && typeof value === "string") for (const text of secretParts(value)) found.add(text);
  for (const branch of [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])]) {
    collectSecrets(branch, value, found);
  }
  if (Array.isArray(value)) {
    const items = Array.isArray(schema.items) ? schema.items : [schema.items];
    for (const item of value) for (const inner of items) if (inner) collectSecrets(inner, item, found);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      const property = schema.properties?.[key] ?? schema.additionalProperties;
      if (typeof property === "object") collectSecrets(property, inner, found);
    }
  }
}

/** Of a database's URL: `sslmode=require` is no secret, and must stay readable in messages. */
const secretParameter = /pass|secret|token|key/i;

/** A secret URL's path and host are no secret; its password is, what its query calls one, and over HTTP every query value and a lone user name. */
function secretParts(text: string): readonly string[] {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || !URL.canParse(text)) return [text];
  const url = new URL(text);
  const isHttp = /^https?:$/.test(url.protocol);
  const credential = isHttp && url.password === "" ? url.username : url.password;
  const parameters = [...url.searchParams].filter(([name]) => isHttp || secretParameter.test(name));
  return [credential, ...parameters.map(([, value]) => value)].filter((part) => part !== "");
}
