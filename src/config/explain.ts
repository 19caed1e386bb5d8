import type { z } from "zod";
import type { Mistake } from "../check/policy-limits.js";
import { branchesOf, itemBranches, type JsonSchema, keysOf, propertyBranches } from "./json-schema-view.js";
import { type ConfigNode, findNode, type NodePath } from "./node.js";
import { alternatives, nearest, suggest } from "./suggest.js";

type Issue = z.core.$ZodIssue;

/** Stands for zod's own English, which is never shown: an issue with any other message was worded by a schema of ours. */
export const unworded = "\u0000";

export interface Explained extends Mistake {
  readonly path: NodePath;
  /** The key is what is wrong, not its value. */
  readonly isAboutKey: boolean;
}

export interface Explainer {
  readonly root: ConfigNode;
  readonly schema: JsonSchema;
  /** Keys that may stand at the root although the schema has them not. */
  readonly alsoKnown: readonly string[];
  /** What an unknown key is no part of: "no option of kind `redis`". */
  readonly unknownKey: string;
}

/** What an issue of a schema means, in our words: one mistake, or several for unknown keys and unions. */
export function explain(issue: Issue, about: Explainer, at: NodePath = []): readonly Explained[] {
  const path = [...at, ...issue.path];
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => explainKey(key, path, about));
  if (issue.code === "invalid_key") return explainRecordKey(issue, path);
  if (issue.code === "invalid_element") return issue.issues.flatMap((inner) => explain(inner, about, path));
  if (issue.message !== unworded) return [{ path, isAboutKey: false, ...splitMessage(issue.message) }];
  if (issue.code === "invalid_union") return explainUnion(issue, path, about);
  return [{ path, isAboutKey: false, ...explainValue(issue, findNode(about.root, path).node, path) }];
}

/** Our schemas word their messages as "problem; mend". */
function splitMessage(message: string): Mistake {
  const end = message.indexOf("; ");
  return end < 0 ? { problem: message, mend: "" } : { problem: message.slice(0, end), mend: message.slice(end + 2) };
}

function explainKey(key: string, path: NodePath, about: Explainer): Explained {
  const known = keysOf(branchesAt(about.schema, path));
  if (path.length > 0)
    return { path: [...path, key], isAboutKey: true, problem: "is not known", mend: suggest(key, known) };
  const guess = nearest(key, [...known, ...about.alsoKnown]);
  return { path: [key], isAboutKey: true, problem: about.unknownKey, mend: suggest(key, guess ? [guess] : known) };
}

function branchesAt(schema: JsonSchema, path: NodePath): readonly JsonSchema[] {
  return path.reduce<readonly JsonSchema[]>(
    (branches, step) =>
      typeof step === "number" ? itemBranches(branches, step) : propertyBranches(branches, String(step)),
    branchesOf(schema),
  );
}

function explainRecordKey(issue: z.core.$ZodIssueInvalidKey, path: NodePath): readonly Explained[] {
  const worded = issue.issues.find((inner) => inner.message !== unworded);
  const allowed = issue.issues.flatMap((inner) => (inner.code === "invalid_value" ? inner.values.map(String) : []));
  const mistake = worded
    ? splitMessage(worded.message)
    : { problem: "is no key that can stand here", mend: suggest(String(path.at(-1)), allowed) };
  return [{ path, isAboutKey: true, ...mistake }];
}

/** Of a union, the branch that the value was meant for; when none is near, what the branches are. */
function explainUnion(issue: z.core.$ZodIssueInvalidUnion, path: NodePath, about: Explainer): readonly Explained[] {
  const meant = issue.errors
    .filter((issues) => !issues.some(isWrongShape))
    .sort((a, b) => worst(a) - worst(b) || a.length - b.length)[0];
  if (meant) return meant.flatMap((inner) => explain(inner, about, path));
  const node = findNode(about.root, path).node;
  const forms = [...new Set(issue.errors.flatMap((issues) => issues.filter(isWrongShape).map(formOf)))];
  if (node === undefined) return [{ path, isAboutKey: false, ...missing(path, forms.join(" or ")) }];
  const mend = forms.length === 0 ? "see the reference for its forms" : `write ${forms.join(" or ")}`;
  return [{ path, isAboutKey: false, problem: "is none of the forms it can have", mend }];
}

const isWrongShape = (issue: Issue): boolean =>
  issue.path.length === 0 && (issue.code === "invalid_type" || issue.code === "invalid_value");
const worst = (issues: readonly Issue[]): number => issues.filter(({ code }) => code === "unrecognized_keys").length;

function formOf(issue: Issue): string {
  if (issue.code === "invalid_value") return alternatives(issue.values.map(String));
  return issue.code === "invalid_type" ? nameOfType(issue.expected) : "another value";
}

function explainValue(issue: Issue, node: ConfigNode | undefined, path: NodePath): Mistake {
  switch (issue.code) {
    case "invalid_type":
      return node === undefined ? missing(path, nameOfType(issue.expected)) : wrongType(issue.expected, node);
    case "invalid_value":
      return wrongValue(issue.values.map(String), node, path);
    case "too_small":
      return outOfBounds(issue.origin, "min", issue.minimum, issue.inclusive === false);
    case "too_big":
      return outOfBounds(issue.origin, "max", issue.maximum, issue.inclusive === false);
    case "not_multiple_of":
      return { problem: `is no multiple of ${issue.divisor}`, mend: "round it" };
    case "invalid_format":
      return wrongFormat(issue);
    default:
      return { problem: "is not what can stand here", mend: "see the reference" };
  }
}

interface TypeWords {
  readonly name: string;
  /** How one is written. */
  readonly form: string;
}

const wholeNumber = { name: "a whole number", form: "a whole number" };
const mapping = { name: "a mapping", form: "`key: value` lines below it" };
const typeWords: Readonly<Record<string, TypeWords>> = {
  string: { name: "a text", form: "one value after the colon" },
  number: { name: "a number", form: "a number without a unit" },
  int: wholeNumber,
  integer: wholeNumber,
  boolean: { name: "a boolean", form: "`true` or `false`" },
  array: { name: "a list", form: "a list, `- ` before each entry" },
  object: mapping,
  record: mapping,
};
const wordsOf = (expected: string): TypeWords =>
  typeWords[expected] ?? { name: "what it must be", form: "another value" };
const nameOfType = (expected: string): string =>
  expected === "boolean" ? "`true` or `false`" : wordsOf(expected).name;

function missing(path: NodePath, form: string): Mistake {
  const key = path.at(-1);
  const mend = typeof key === "string" ? `add \`${key}:\` with ${form}` : `write ${form}`;
  return { problem: "is missing", mend };
}

function wrongType(expected: string, node: ConfigNode): Mistake {
  if (isQuotedNumber(expected, node)) {
    return { problem: "is a quoted text, not a number", mend: "take the quotes away" };
  }
  if (node.type === "scalar" && typeof node.value === "number" && !Number.isFinite(node.value)) {
    return { problem: "is no finite number", mend: `write ${wordsOf(expected).form}` };
  }
  const given = node.type === "scalar" ? givenScalar(node.value) : `a ${node.type}`;
  const { name } = wordsOf(expected);
  const isSwitch = wordsOf(expected) === mapping && node.type === "scalar" && node.value === true;
  const form = isSwitch
    ? "`{}` for a mapping that says nothing more, or `key: value` lines below it"
    : wordsOf(expected).form;
  return { problem: `is ${given === "a map" ? "a mapping" : given}, not ${name}`, mend: `write ${form}` };
}

const isQuotedNumber = (expected: string, node: ConfigNode): boolean =>
  (expected === "number" || expected === "int") &&
  node.type === "scalar" &&
  node.isQuoted &&
  node.references.length === 0 &&
  /^-?\d+(\.\d+)?$/.test(node.text);

function givenScalar(value: string | number | boolean | null): string {
  if (typeof value === "number") return Number.isInteger(value) ? "a number" : "a number with a fraction";
  return typeof value === "string" ? "a text" : `\`${value}\``;
}

function wrongValue(allowed: readonly string[], node: ConfigNode | undefined, path: NodePath): Mistake {
  const mend = `write ${alternatives(allowed)}`;
  if (node === undefined)
    return { problem: "is missing", mend: `add \`${String(path.at(-1))}:\` with ${alternatives(allowed)}` };
  // What a reference brought may be a secret that stands in the wrong place.
  if (node.type !== "scalar" || node.references.length > 0) return { problem: "is none of its values", mend };
  const near = nearest(node.text, allowed);
  const shown = node.text.slice(0, 40);
  const guess =
    near === undefined || near === node.text ? mend : `did you mean \`${near}\`? It can be ${alternatives(allowed)}`;
  return { problem: `\`${shown}\` is none of its values`, mend: guess };
}

function outOfBounds(origin: string, side: "min" | "max", bound: number | bigint, isExclusive: boolean): Mistake {
  const isMin = side === "min";
  const unit = origin === "string" ? " characters" : origin === "array" || origin === "object" ? " entries" : "";
  if (isMin && unit !== "" && Number(bound) <= 1) {
    return { problem: "is empty", mend: "give it a value or leave it out" };
  }
  const bounds = isExclusive ? (isMin ? "more than" : "less than") : isMin ? "at least" : "at most";
  const size = unit === "" ? (isMin ? "too small" : "too large") : isMin ? "too short" : "too long";
  return { problem: `is ${size}`, mend: `write ${bounds} ${bound}${unit}` };
}

function wrongFormat(issue: z.core.$ZodIssueInvalidStringFormat): Mistake {
  if (issue.format === "url") return { problem: "is no URL", mend: "write one such as `https://host/path`" };
  const mend = issue.pattern ? `it must match ${issue.pattern}` : "see the reference";
  return { problem: "is not written as it must be", mend };
}
