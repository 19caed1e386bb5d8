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

/** A URL to write instead of a text that is none: of the kind that it seems to mean. */
export const exampleUrlNear = (text: string): string => kindNear(text)?.urlExample ?? "https://example.org/";

/** What is wrong with a URL that describes no check: a kind that wants more of it, or none that knows it. */
export function objectionToUrl(text: string): string {
  const near = kindNear(text);
  if (near) return `kind \`${near.kind}\` cannot read this URL; write one such as ${near.urlExample}`;
  const examples = kinds.flatMap(({ urlExample }) => urlExample ?? []);
  return `no kind of check knows this URL; these are known: ${examples.join(", ")}`;
}

const kindNear = (text: string) =>
  kinds.find(({ kind, urlExample }) => urlExample !== undefined && text.toLowerCase().startsWith(kind));
