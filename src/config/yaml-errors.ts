import type { YAMLError } from "yaml";
import type { Mistake } from "../check/policy-limits.js";

/** Levels of a config. The parser gives up on its own at some thousands. */
export const maxDepth = 64;

type Code = YAMLError["code"];

const indentMend = "indent the entries of one mapping or list by the same number of spaces";

const notClosed: Mistake = {
  problem: "a quote or bracket before here is not closed, or a comma or colon is missing",
  mend: "close it",
};

/** What the parser's codes mean for whoever writes the file; the parser's own text is never shown. */
const mistakes: Partial<Record<Code, Mistake>> = {
  TAB_AS_INDENT: { problem: "is indented by a tab", mend: "indent with spaces" },
  BAD_INDENT: { problem: "is not indented as its neighbours are", mend: indentMend },
  BLOCK_IN_FLOW: {
    problem: "starts a new line of a mapping or list inside brackets",
    mend: "close the brackets first",
  },
  BLOCK_AS_IMPLICIT_KEY: {
    problem: "has more than one `key:` in a line, or a line below that is indented too far",
    mend: 'write one `key: value` a line, and quote a text that holds `: `, as in `"a: b"`',
  },
  MULTILINE_IMPLICIT_KEY: { problem: "is no `key: value` line", mend: "put a colon and a space after the key" },
  MISSING_CHAR: notClosed,
  BAD_SCALAR_START: { problem: "starts with a character that YAML reserves", mend: "quote the text" },
  BAD_DQ_ESCAPE: {
    problem: "has a backslash sequence that YAML does not know",
    mend: "write `\\\\` for a backslash, or use single quotes",
  },
  BAD_ALIAS: { problem: "has an alias that YAML cannot read", mend: "quote the text, or write `*name`" },
  MULTIPLE_ANCHORS: { problem: "has two anchors", mend: "leave one of them" },
  MULTIPLE_TAGS: { problem: "has two tags", mend: "leave out the tags" },
  TAG_RESOLVE_FAILED: { problem: "has a tag that is not known", mend: "leave out the `!…` tag, or quote the text" },
  BAD_DIRECTIVE: { problem: "is a directive that YAML does not know", mend: "leave it out" },
  RESOURCE_EXHAUSTION: { problem: "is nested too deeply", mend: `write at most ${maxDepth} levels` },
  UNEXPECTED_TOKEN: {
    problem: "is not what can stand here",
    mend: "check the quotes, brackets and indentation before it",
  },
};

const anyMistake: Mistake = {
  problem: "is no valid YAML",
  mend: "check the quotes, brackets and indentation around it",
};

export function explainYamlError({ code, message }: Pick<YAMLError, "code" | "message">): Mistake {
  // An open bracket at the end of a block is reported as indentation.
  if (code === "BAD_INDENT" && /\bend with a [\]}]/.test(message)) return notClosed;
  // A key that is indented less than its neighbours in a list is reported as a `-` that is missing.
  if (code === "MISSING_CHAR" && /^Sequence item without/.test(message)) return mistakes.BAD_INDENT ?? anyMistake;
  return mistakes[code] ?? anyMistake;
}
