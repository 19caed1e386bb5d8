import { type Mistake, mistakesInTimes } from "../check/policy-limits.js";
import { type CheckKind, type CheckPolicy, createPolicy, type PolicyOptions, type Thresholds } from "../check.js";
import type { ConfiguredCheck } from "./agent-config.js";
import { hashOf } from "./hash.js";
import {
  type ConfigNode,
  findNode,
  formatPath,
  type ListNode,
  type MapNode,
  type NodePath,
  scalarNode,
} from "./node.js";
import { type CheckOptions, checkOptions, type DefaultsOptions } from "./options.js";
import { nameOf } from "./overlay.js";
import type { ConfigProblem } from "./problem.js";
import { suggest } from "./suggest.js";
import { problemAt, type Subject, salvage, validate } from "./validate.js";

const commonKeys = new Set(Object.keys(checkOptions.shape));

/** One check of a file, disabled ones included. */
export interface ReadCheck {
  readonly check: ConfiguredCheck;
  readonly node: MapNode;
  readonly isEnabled: boolean;
}

export interface ReadChecks {
  readonly checks: readonly ReadCheck[];
  readonly problems: readonly ConfigProblem[];
}

export interface ReadDefaults {
  readonly policy: PolicyOptions;
  /** Keys that are said but have mistakes. */
  readonly unread: ReadonlySet<string>;
}

/** What checks there may be. */
export interface Allowed {
  readonly kinds: ReadonlyMap<string, CheckKind>;
  /** The flags that were given for kinds which ask for one. */
  readonly consents: ReadonlySet<string>;
}

/** Reads every check of the merged list. */
export function readChecks(list: ListNode, defaults: ReadDefaults, allowed: Allowed): ReadChecks {
  const problems: ConfigProblem[] = [...findTwice(list)];
  const checks: ReadCheck[] = [];
  list.items.forEach((node, index) => {
    const reader = new CheckReader(node, ["checks", index], allowed, problems);
    const check = reader.read(defaults);
    if (check) checks.push(check);
  });
  return { checks, problems };
}

function findTwice(list: ListNode): readonly ConfigProblem[] {
  const first = new Map<string, ConfigNode>();
  return list.items.flatMap((node, index) => {
    const name = nameOf(node);
    const earlier = name === undefined ? undefined : first.get(name);
    if (name === undefined || earlier === undefined) {
      if (name !== undefined) first.set(name, node);
      return [];
    }
    const place = findNode(earlier, ["name"]).place;
    const where = place.line > 0 ? `${place.file}:${place.line}` : place.file;
    const mistake = {
      problem: `the name \`${name}\` is already taken in ${where}`,
      mend: "give each check its own name",
    };
    return [problemAt(node, ["name"], ["checks", index], mistake)];
  });
}

class CheckReader {
  constructor(
    private readonly node: ConfigNode,
    private readonly at: NodePath,
    private readonly allowed: Allowed,
    private readonly problems: ConfigProblem[],
  ) {}

  read(defaults: ReadDefaults): ReadCheck | undefined {
    const { node } = this;
    if (node.type !== "map") {
      this.report([], { problem: "is no check", mend: "write a mapping with `name:` and `kind:`" });
      return undefined;
    }
    const kind = this.readKind(node);
    const { common, unread } = this.readCommon(node);
    const options = kind && this.readOptions(node, kind);
    if (!kind || !common) return undefined;
    if (common.enabled) this.checkConsent(kind);
    this.checkThresholds(kind, common.thresholds);
    const own = toPolicyOptions(common);
    const policy = createPolicy(common.name, kind, own, defaults.policy);
    const isUnread = (key: "interval" | "timeout"): boolean =>
      unread.has(key) || (common[key] === undefined && defaults.unread.has(key));
    // A time that could not be read is what others would be held against.
    if (!isUnread("interval")) this.checkTimes(isUnread("timeout") ? { timeoutMs: own.timeoutMs } : own, policy);
    return options && { node, isEnabled: common.enabled, check: configure(kind, policy, options.value) };
  }

  private readKind(node: MapNode): CheckKind | undefined {
    const entry = node.entries.get("kind")?.value;
    if (entry?.type === "scalar" && entry.isBroken) return undefined;
    if (entry?.type !== "scalar" || entry.text === "") {
      const mend = `add \`kind:\` with one of ${[...this.allowed.kinds.keys()].sort().join(", ")}`;
      this.report(["kind"], { problem: "names no kind", mend });
      return undefined;
    }
    const kind = this.allowed.kinds.get(entry.text);
    if (kind) return kind;
    const shown = entry.references.length > 0 ? "" : ` \`${entry.text.slice(0, 40)}\``;
    this.report(["kind"], {
      problem: `the kind${shown} is not known`,
      mend: `${suggest(entry.text, [...this.allowed.kinds.keys()])}${this.listKinds(entry.text)}`,
    });
    return undefined;
  }

  private listKinds(given: string): string {
    const kinds = [...this.allowed.kinds.keys()].sort();
    return suggest(given, kinds).startsWith("known") ? "" : ` Kinds: ${kinds.join(", ")}`;
  }

  /** The part that every check has; without what is wrong in it, so that the rest can be judged too. */
  private readCommon(node: MapNode): {
    readonly common: CheckOptions | undefined;
    readonly unread: ReadonlySet<string>;
  } {
    const subject = { node: part(node, (key) => commonKeys.has(key)), schema: checkOptions, at: this.at };
    const { value, problems } = validate(subject);
    const kindPath = formatPath([...this.at, "kind"]);
    for (const problem of problems) if (problem.path !== kindPath) this.problems.push(problem);
    return { common: value ?? this.salvageCommon(subject, problems), unread: unreadKeys(problems, this.at) };
  }

  /** Name and kind must be there for the rest to be read; what is wrong with them is said already. */
  private salvageCommon(subject: Subject<CheckOptions>, problems: readonly ConfigProblem[]): CheckOptions | undefined {
    const node = subject.node as MapNode;
    const filled = new Map(node.entries);
    for (const key of ["name", "kind"]) {
      const isBroken = problems.some(({ path }) => path === formatPath([...this.at, key]));
      if (isBroken) filled.set(key, { keyPlace: node.place, value: scalarNode("unnamed", node.place) });
    }
    const others = problems.filter(
      ({ path }) => !["name", "kind"].some((key) => path === formatPath([...this.at, key])),
    );
    return salvage({ ...subject, node: { ...node, entries: filled } }, others);
  }

  private readOptions(node: MapNode, kind: CheckKind): { readonly value: unknown } | undefined {
    const held = this.hold(
      validate({
        node: part(node, (key) => !commonKeys.has(key)),
        schema: kind.options,
        at: this.at,
        unknownKey: `is no option of kind \`${kind.kind}\``,
        alsoKnown: [...commonKeys],
      }),
    );
    return held && { value: held.value };
  }

  private hold<Result extends { readonly problems: readonly ConfigProblem[] }>(result: Result): Result | undefined {
    for (const problem of result.problems) this.problems.push(problem);
    return result.problems.length === 0 ? result : undefined;
  }

  private checkConsent({ kind, consent }: CheckKind): void {
    if (!consent || this.allowed.consents.has(consent.flag)) return;
    this.report(["kind"], {
      problem: `kind \`${kind}\` ${consent.because}, which nobody has allowed`,
      mend: `start with \`${consent.flag}\`, or take the check out`,
    });
  }

  private checkThresholds(kind: CheckKind, thresholds: Thresholds = {}): void {
    for (const name of Object.keys(thresholds)) {
      const mistake = name === "duration_ms" || kind.hasOpenFacts ? undefined : mistakeInFact(kind, name);
      if (mistake) this.report(["thresholds", name], mistake, true);
    }
  }

  private checkTimes(own: PolicyOptions, policy: CheckPolicy): void {
    for (const [key, mistake] of mistakesInTimes(own, policy)) this.report([key], mistake);
  }

  private report(path: NodePath, mistake: Mistake, isAboutKey = false): void {
    const found = findNode(this.node, path);
    const place = isAboutKey ? found.keyPlace : found.place;
    this.problems.push({ ...place, path: formatPath([...this.at, ...path]), ...mistake });
  }
}

/** The keys below a path that have mistakes. */
export function unreadKeys(problems: readonly ConfigProblem[], at: NodePath): ReadonlySet<string> {
  const start = `${formatPath(at)}.`;
  const below = problems.filter(({ path }) => path.startsWith(start));
  return new Set(below.map(({ path }) => path.slice(start.length).split(/[.[]/)[0] ?? ""));
}

function mistakeInFact(kind: CheckKind, name: string): Mistake | undefined {
  const fact = Object.hasOwn(kind.facts, name) ? kind.facts[name] : undefined;
  if (fact?.type === "number" || fact?.type === "boolean") return undefined;
  const comparable = Object.entries(kind.facts).filter(([, { type }]) => type === "number" || type === "boolean");
  const names = ["duration_ms", ...comparable.map(([key]) => key)];
  if (fact) return { problem: "is a fact that is no number", mend: `use one of ${names.sort().join(", ")}` };
  return { problem: `is no fact of kind \`${kind.kind}\``, mend: suggest(name, names) };
}

function part(node: MapNode, isWanted: (key: string) => boolean): MapNode {
  return { ...node, entries: new Map([...node.entries].filter(([key]) => isWanted(key))) };
}

/** The engine's names for what the file says. */
export function toPolicyOptions(options: Partial<CheckOptions> | DefaultsOptions): PolicyOptions {
  const { interval, timeout, failingInterval, ...rest } = options;
  return { ...rest, intervalMs: interval, timeoutMs: timeout, failingIntervalMs: failingInterval };
}

function configure(kind: CheckKind, policy: CheckPolicy, options: unknown): ConfiguredCheck {
  return { policy, kind, options, optionsKey: hashOf([kind.kind, options]), policyKey: hashOf(policy) };
}
