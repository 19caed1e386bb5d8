import { branchesOf, itemBranches, type JsonSchema, propertyBranches } from "./json-schema-view.js";

const mask = "***";

/** Plain data with every value that the schema marks as secret masked; of a secret URL, its credentials and query values. */
export function maskSecrets(value: unknown, schema: JsonSchema): unknown {
  return maskBranches(value, branchesOf(schema));
}

function maskBranches(value: unknown, branches: readonly JsonSchema[]): unknown {
  if (Array.isArray(value)) return value.map((item, index) => maskBranches(item, itemBranches(branches, index)));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, maskBranches(inner, propertyBranches(branches, key))]),
    );
  }
  return typeof value === "string" && branches.some(({ secret }) => secret) ? maskText(value) : value;
}

/** A text that is no URL is masked whole. */
export function maskText(text: string): string {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || !URL.canParse(text)) return mask;
  const url = new URL(text);
  if (url.password !== "") url.password = mask;
  for (const key of [...url.searchParams.keys()]) url.searchParams.set(key, mask);
  return url.href;
}
