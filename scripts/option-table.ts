import type { FactSpec, FactTable } from "../src/check.js";
import { branchesOf, type JsonSchema } from "../src/config/json-schema-view.js";

/** A Markdown table of everything that may be written for a schema, nested options with a dot. */
export function optionTable(schema: JsonSchema): string {
  const rows = rowsOf(schema, "");
  return rows.length === 0 ? "None." : table(["option", "value", "default", "what it does"], rows);
}

type Row = readonly string[];

function rowsOf(schema: JsonSchema, prefix: string): readonly Row[] {
  const required = new Set(schema.required);
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => {
    const own = rowOf(`${prefix}${name}`, inner, required.has(name));
    return [own, ...nested(inner).flatMap((branch) => rowsOf(branch, `${prefix}${name}${isList(inner) ? "[]" : ""}.`))];
  });
}

/** What is written below an option: a mapping, or the mappings of a list. */
function nested(schema: JsonSchema): readonly JsonSchema[] {
  return branchesOf(schema).flatMap((branch) => {
    if (branch.properties) return [branch];
    const items = branch.items;
    return items && !Array.isArray(items) ? branchesOf(items as JsonSchema).filter(({ properties }) => properties) : [];
  });
}

const isList = (schema: JsonSchema): boolean => branchesOf(schema).some(({ type }) => type === "array");

function rowOf(name: string, schema: JsonSchema, isRequired: boolean): Row {
  const [description, said] = takeDefault(schema.description ?? "");
  const isSection = branchesOf(schema).every(({ properties }) => properties !== undefined);
  const given = schema.default === undefined || isSection ? said : inCode(schema.default);
  return [`\`${name}\``, wordsFor(schema), isRequired ? "required" : given, description];
}

/** A default that depends on something stands in the description; at its end it moves to its own column. */
function takeDefault(description: string): readonly [string, string] {
  const match = /(?:^| )Default (`[^`]+`|[\w.]+)\.$/.exec(description);
  if (!match?.[1]) return [description, ""];
  return [description.slice(0, match.index), match[1].startsWith("`") ? match[1] : `\`${match[1]}\``];
}

const inCode = (value: unknown): string => `\`${JSON.stringify(value).replace(/^"|"$/g, "")}\``;

function wordsFor(schema: JsonSchema): string {
  return [...new Set(branchesOf(schema).map(describeBranch))].join(" or ");
}

function describeBranch(branch: JsonSchema): string {
  if (branch.enum) return branch.enum.map((value) => `\`${value}\``).join(", ");
  if (branch.const !== undefined) return `\`${branch.const}\``;
  if (branch.secret) return "secret text";
  if (branch.pattern?.includes("(ms|s|m|h)")) return "duration";
  if (Array.isArray(branch.type)) return wordsFor({ anyOf: branch.type.map((type) => ({ type })) });
  switch (branch.type) {
    case "string":
      return "text";
    case "boolean":
      return "`true`, `false`";
    case "integer":
    case "number":
      return describeNumber(branch);
    case "array":
      return Array.isArray(branch.items) || !branch.items ? "list" : `list of ${wordsFor(branch.items as JsonSchema)}`;
    case "object":
      return describeMapping(branch);
    default:
      return "anything";
  }
}

function describeNumber({ type, minimum, maximum }: JsonSchema): string {
  const word = type === "integer" ? "whole number" : "number";
  const low = minimum !== undefined && Number.isSafeInteger(minimum) && minimum > Number.MIN_SAFE_INTEGER;
  const high = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  if (low && high) return `${word}, ${minimum} to ${maximum}`;
  return low ? `${word}, at least ${minimum}` : word;
}

function describeMapping({ properties, additionalProperties }: JsonSchema): string {
  if (properties || typeof additionalProperties !== "object") return "mapping";
  return `mapping of names to ${wordsFor(additionalProperties)}`;
}

/** A Markdown table of a kind's facts and the metrics they become. */
export function factTable(facts: FactTable): string {
  const rows = Object.entries(facts).flatMap(([name, fact]) => [factRow(name, fact), ...itemRows(name, fact)]);
  return rows.length === 0 ? "None." : table(["fact", "type", "metric", "what it is"], rows);
}

function factRow(name: string, { type, unit, metric, description }: FactSpec): Row {
  return [`\`${name}\``, unit ? `${type}, ${unit}` : type, metric ? describeMetric(metric) : "", description];
}

function itemRows(name: string, { items }: FactSpec): readonly Row[] {
  if (!items) return [];
  return Object.entries(items.metrics).map(([field, metric]) => [
    `\`${name}[].${field}\``,
    "",
    describeMetric(metric),
    `Of each, named by its \`${items.key}\` in \`health.check.item\`.`,
  ]);
}

const describeMetric = ({ name, unit }: { name: string; unit: string }): string => `\`${name}\` (${unit})`;

/** A Markdown table; a bar in a cell would end it. */
export function table(head: Row, rows: readonly Row[]): string {
  const line = (cells: Row): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line)].join("\n");
}
