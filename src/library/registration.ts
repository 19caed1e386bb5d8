import { intervalBounds, mistakesInTimes, policyParts, timeoutBounds } from "../check/policy-limits.js";
import {
  type BoundKind,
  type Check,
  type CheckKind,
  type CheckPolicy,
  type CheckRun,
  createPolicy,
  formatDuration,
  type KindDefaults,
  type Outcome,
  type PolicyOptions,
  parseDuration,
  secretsOf,
  type Thresholds,
} from "../check.js";

/** How a check is run and judged; durations as in a config file: `250ms`, `30s`, `5m`, `1h`. */
export interface RegisterOptions {
  readonly name: string;
  readonly critical?: boolean;
  readonly interval?: string;
  readonly timeout?: string;
  readonly failingInterval?: string;
  readonly failureThreshold?: number;
  readonly successThreshold?: number;
  readonly thresholds?: Thresholds;
  readonly description?: string;
  readonly owner?: string;
  readonly runbook?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** What a function of your own must never give away: taken out of all that it says. A kind knows its own. */
  readonly secrets?: readonly string[];
}

/** A check of your own: resolves with what it found, throws `CheckFailure` when the answer is no. */
export type CheckFunction = (run: CheckRun) => Promise<Outcome> | Outcome;

/** What `register` was asked for, found possible. */
export interface Registration {
  readonly policy: CheckPolicy;
  readonly kind: Pick<CheckKind, "kind" | "facts" | "hasOpenFacts" | "isResources" | "defaults">;
  readonly check: Check;
  readonly secrets: readonly string[];
}

const customDefaults: KindDefaults = { intervalMs: 30_000, timeoutMs: 5_000 };

/** The kind of a function that the library was given: its facts are its own. */
const customKind = { kind: "custom", facts: {}, hasOpenFacts: true, defaults: customDefaults } as const;

/** Reads what `register` was given; throws `TypeError` for what no config file could say either. */
export function readRegistration(given: unknown, own: RegisterOptions): Registration {
  assertOptions(own);
  const { name } = own;
  const bound = isBound(given) ? given : undefined;
  if (!bound && typeof given !== "function") {
    throw refusal(name, "is no check", "give a function, or a kind with its options such as `http({ url })`");
  }
  const kind = bound?.kind ?? customKind;
  const stated = policyOptions(own);
  const policy = createPolicy(name, kind, stated);
  assertTimes(stated, policy);
  assertFacts(name, kind, own.thresholds);
  const check = bound ? createBound(bound, name) : createCustom(given as CheckFunction);
  return {
    policy,
    kind,
    check,
    secrets: [...(bound ? secretsOf(bound.kind, bound.options) : []), ...(own.secrets ?? [])],
  };
}

function refusal(name: string, problem: string, mend: string): TypeError {
  return new TypeError(`check ${name}: ${problem}; ${mend}`);
}

function isBound(given: unknown): given is BoundKind {
  if (typeof given !== "object" || given === null || !("kind" in given)) return false;
  const { kind } = given;
  return typeof kind === "object" && kind !== null && "create" in kind && typeof kind.create === "function";
}

function createCustom(run: CheckFunction): Check {
  return { run: async (context) => run(context) };
}

function createBound({ kind, options, injected }: BoundKind, name: string): Check {
  const about = `${name} (${kind.kind})`;
  try {
    if (injected !== undefined) return kind.create(options, injected);
    const parsed = kind.options.safeParse(options ?? {});
    if (!parsed.success) throw parsed.error;
    return kind.create(parsed.data);
  } catch (error) {
    throw new TypeError(`check ${about}: ${problemsOf(error)}`);
  }
}

interface Issue {
  readonly code: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly expected?: string;
  readonly keys?: readonly string[];
  /** What is wrong with a key. */
  readonly issues?: readonly Issue[];
}

/** All that is wrong with the options, each by its path. */
function problemsOf(error: unknown): string {
  const issues = typeof error === "object" && error !== null && "issues" in error ? error.issues : undefined;
  if (!Array.isArray(issues)) return error instanceof Error ? error.message : String(error);
  return (issues as readonly Issue[]).map(problemOf).join(" · ");
}

/** Our own schemas word what is special to an option; what they leave to zod is worded here. */
function problemOf({ code, path, message, expected, keys = [], issues = [] }: Issue): string {
  const at = path.map(String).join(".");
  if (code === "invalid_key") return `\`${at}\` ${issues[0]?.message ?? message}`;
  if (code === "unrecognized_keys") {
    const names = keys.map((key) => `\`${at === "" ? key : `${at}.${key}`}\``).join(", ");
    return `${names} cannot be given here; leave it out`;
  }
  const about = at === "" ? "" : `\`${at}\` `;
  if (code !== "invalid_type") return `${about}${message}`;
  return message.endsWith("received undefined")
    ? `${about}is missing; give a ${expected}`
    : `${about}is no ${expected}; give one`;
}

type Test = readonly [holds: (value: unknown) => boolean, problem: string, mend: string];
const isText: Test = [(value) => typeof value === "string", "is no text", "write one"];
const isCount: Test = [
  (value) => Number.isInteger(value) && (value as number) >= 1,
  "is no whole number above 0",
  "write 1 or more",
];
const isRecord: Test = [
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  "is no object",
  "write one",
];
/** Percent-encoding knows no lone half of a surrogate pair, and a client resolves dots before it asks. */
const isAddressable = (name: unknown): boolean =>
  typeof name === "string" && name.isWellFormed() && name !== "." && name !== "..";
/** Of what a variable that nobody has set is given for, nothing would be hidden. */
const areTexts = (value: unknown): boolean => Array.isArray(value) && value.every((text) => typeof text === "string");
/** Text is judged where it is parsed. */
const isDuration: Test = [
  (value) => typeof value === "string",
  "is no text",
  "write a duration such as 250ms, 30s, 5m or 1h",
];

const tests: Readonly<Record<keyof RegisterOptions, Test>> = {
  name: [isAddressable, "is no name that a path can say", "write well-formed text other than `.` and `..`"],
  critical: [(value) => typeof value === "boolean", "is neither true nor false", "write one of the two"],
  interval: isDuration,
  timeout: isDuration,
  failingInterval: isDuration,
  failureThreshold: isCount,
  successThreshold: isCount,
  thresholds: isRecord,
  description: isText,
  owner: isText,
  runbook: isText,
  labels: isRecord,
  secrets: [areTexts, "is no list of texts", "write one of those that are set"],
};

/** Programs in plain JavaScript have no compiler to ask. */
function assertOptions(own: RegisterOptions): void {
  const given: Readonly<Record<string, unknown>> = { ...own };
  const { name } = given;
  if (typeof name !== "string" || name === "") throw new TypeError('a check needs a name; give `{ name: "…" }`');
  for (const [option, value] of Object.entries(given)) {
    const test = Object.hasOwn(tests, option) ? tests[option as keyof RegisterOptions] : undefined;
    if (test === undefined) {
      throw refusal(name, `\`${option}\` is no option`, `write one of ${Object.keys(tests).join(", ")}`);
    }
    const [holds, problem, mend] = test;
    if (value !== undefined && !holds(value)) throw refusal(name, `\`${option}\` ${problem}`, mend);
  }
  const parts = policyParts.safeParse(own);
  if (!parts.success) throw new TypeError(`check ${name}: ${problemsOf(parts.error)}`);
}

function assertTimes(stated: PolicyOptions, policy: CheckPolicy): void {
  const [mistake] = mistakesInTimes(stated, policy);
  if (mistake === undefined) return;
  const [option, { problem, mend }] = mistake;
  throw refusal(policy.name, `\`${option}\` ${problem}`, mend);
}

/** A limit on a fact that no run brings, or that is no number, would hold for ever. */
function assertFacts(name: string, kind: Registration["kind"], thresholds: Thresholds = {}): void {
  if (kind.hasOpenFacts) return;
  const comparable = Object.entries(kind.facts).filter(([, { type }]) => type === "number" || type === "boolean");
  const known = [...comparable.map(([fact]) => fact), "duration_ms"];
  const unknown = Object.keys(thresholds).find((fact) => !known.includes(fact));
  if (unknown === undefined) return;
  const problem = Object.hasOwn(kind.facts, unknown) ? "is a fact that is no number" : `${kind.kind} has no such fact`;
  throw refusal(name, `\`thresholds.${unknown}\`: ${problem}`, `write one of ${known.join(", ")}`);
}

function policyOptions(own: RegisterOptions): PolicyOptions {
  const { name, interval, timeout, failingInterval, secrets: _, ...rest } = own;
  const read = (option: string, text: string | undefined, bounds: Bounds): number | undefined =>
    text === undefined ? undefined : durationMs(name, option, text, bounds);
  return {
    ...rest,
    intervalMs: read("interval", interval, intervalBounds),
    timeoutMs: read("timeout", timeout, timeoutBounds),
    failingIntervalMs: read("failingInterval", failingInterval, intervalBounds),
  };
}

interface Bounds {
  readonly min: number;
  readonly max: number;
}

function durationMs(name: string, option: string, text: string, { min, max }: Bounds): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) {
    throw refusal(name, `\`${option}\` is "${text}"`, "write a duration such as 250ms, 30s, 5m or 1h");
  }
  if (milliseconds >= min && milliseconds <= max) return milliseconds;
  throw refusal(name, `\`${option}\` is out of bounds`, `write ${formatDuration(min)} to ${formatDuration(max)}`);
}
