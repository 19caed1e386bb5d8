import { kinds } from "../kinds/index.js";

/** A check as a config file says it. */
export type CheckEntry = Readonly<Record<string, unknown>>;

/** The check that a URL describes, named after its kind; undefined when no kind knows such URLs. */
export function checkFromUrl(text: string): CheckEntry | undefined {
  if (!URL.canParse(text)) return undefined;
  for (const kind of kinds) {
    const options = kind.fromUrl?.(new URL(text));
    if (options) return { name: kind.kind, kind: kind.kind, critical: true, ...options };
  }
  return undefined;
}

/** Kinds that a URL can describe. */
export function kindsWithUrls(): readonly string[] {
  return kinds.filter((kind) => kind.fromUrl !== undefined).map((kind) => kind.kind);
}
