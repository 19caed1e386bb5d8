import { Lexer } from "yaml";

export interface UnquotedReference {
  /** Offset of the `$` in the text. */
  readonly start: number;
  readonly end: number;
}

/** The lexer marks scalars, documents and broken flow collections by characters that are not in the text. */
const marks = new Set(["\u0002", "\u0018", "\u001f"]);

/**
 * Every unquoted `${…}` inside `{ … }` or `[ … ]`. YAML reads its brace as the start of a mapping, and what follows
 * becomes a string of errors that say nothing about the cause.
 */
export function findUnquotedReferences(text: string): readonly UnquotedReference[] {
  const found: UnquotedReference[] = [];
  let depth = 0;
  let offset = 0;
  let previous = "";
  let skipTo = 0;
  for (const token of new Lexer().lex(text)) {
    if (marks.has(token)) continue;
    const isReference = token === "{" && depth > 0 && previous.endsWith("$") && offset >= skipTo;
    const end = isReference ? endOfReference(text, offset) : undefined;
    if (end !== undefined) {
      found.push({ start: offset - 1, end });
      skipTo = end;
    }
    depth = Math.max(0, depth + depthChange(token));
    offset += token.length;
    previous = token;
  }
  return found;
}

const depthChange = (token: string): number =>
  token === "{" || token === "[" ? 1 : token === "}" || token === "]" ? -1 : 0;

function endOfReference(text: string, brace: number): number | undefined {
  const close = /^\{[^}\r\n]*\}/.exec(text.slice(brace, brace + 4096));
  return close ? brace + close[0].length : undefined;
}

/** The text with each reference replaced by as many letters: every other place stays where it is. */
export function coverReferences(text: string, references: readonly UnquotedReference[]): string {
  let covered = "";
  let from = 0;
  for (const { start, end } of references) {
    covered += text.slice(from, start) + "x".repeat(end - start);
    from = end;
  }
  return covered + text.slice(from);
}
