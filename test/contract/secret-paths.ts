interface Marked {
  readonly secret?: boolean;
  readonly properties?: Readonly<Record<string, Marked>>;
  readonly additionalProperties?: Marked | boolean;
  readonly items?: Marked | readonly Marked[];
  readonly anyOf?: readonly Marked[];
  readonly oneOf?: readonly Marked[];
  readonly allOf?: readonly Marked[];
}

/** Where a JSON Schema marks secrets, sorted: `url`, `tls.key`, `headers.*`. */
export function secretPaths(schema: Marked): readonly string[] {
  const found = new Set<string>();
  collect(schema, [], found);
  return [...found].sort();
}

function collect(schema: Marked, path: readonly string[], found: Set<string>): void {
  if (schema.secret) found.add(path.join("."));
  for (const branch of [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])]) {
    collect(branch, path, found);
  }
  for (const [name, inner] of Object.entries(schema.properties ?? {})) collect(inner, [...path, name], found);
  const others = [schema.additionalProperties, ...[schema.items].flat()];
  for (const inner of others) if (typeof inner === "object") collect(inner, [...path, "*"], found);
}
