import type { z } from "zod";
import { optionsJsonSchema } from "../check.js";

/** The part of JSON Schema that zod writes and that reading a config needs. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly default?: unknown;
  readonly pattern?: string;
  readonly secret?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly propertyNames?: JsonSchema;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema | readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
}

/** What people may write for a schema. */
export const inputSchema = (schema: z.ZodType): JsonSchema => optionsJsonSchema({ options: schema }) as JsonSchema;

/** The alternatives a value may follow, unions taken apart. */
export function branchesOf(schema: JsonSchema): readonly JsonSchema[] {
  const inner = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  if (inner.length === 0) return [schema];
  // What is said beside a union (`secret`, a description) holds for each of its branches.
  return inner.flatMap((branch) => branchesOf(schema.secret ? { ...branch, secret: true } : branch));
}

/** What may stand under a key; empty when nothing may. */
export function propertyBranches(branches: readonly JsonSchema[], key: string): readonly JsonSchema[] {
  return branches.flatMap((branch) => {
    const own = branch.properties && Object.hasOwn(branch.properties, key) ? branch.properties[key] : undefined;
    const schema = own ?? branch.additionalProperties;
    return typeof schema === "object" ? branchesOf(schema) : [];
  });
}

export function itemBranches(branches: readonly JsonSchema[], index: number): readonly JsonSchema[] {
  return branches.flatMap(({ items }) => {
    const schema = Array.isArray(items) ? (items as readonly JsonSchema[])[index] : (items as JsonSchema | undefined);
    return schema ? branchesOf(schema) : [];
  });
}

/** The keys that are known at a place. */
export const keysOf = (branches: readonly JsonSchema[]): readonly string[] => [
  ...new Set(branches.flatMap((branch) => Object.keys(branch.properties ?? {}))),
];

/** The scalar types that branches accept; undefined when they say nothing, so that anything goes. */
export function scalarTypes(branches: readonly JsonSchema[]): ReadonlySet<string> | undefined {
  const types = new Set<string>();
  for (const branch of branches) {
    const said = branch.type ?? typesOfValues(branch);
    if (said === undefined) return undefined;
    for (const type of typeof said === "string" ? [said] : said) types.add(type === "integer" ? "number" : type);
  }
  return types.size === 0 ? undefined : types;
}

function typesOfValues(branch: JsonSchema): readonly string[] | undefined {
  if (branch.const !== undefined) return [typeof branch.const];
  return branch.enum?.map((value) => typeof value);
}
