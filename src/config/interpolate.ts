import type { Mistake } from "../check/policy-limits.js";

/** Where references are looked up. */
export interface References {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The text of a file, its last newline trimmed; throws an error whose message says why it cannot be read. */
  readText(path: string): string;
}

export interface Interpolated {
  readonly text: string;
  /** What was put in: `env NAME`, `file /path`. */
  readonly references: readonly string[];
  readonly mistakes: readonly Mistake[];
}

const part = /\$\$|\$\{([^}]*)(\})?/g;
const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Replaces `${env:NAME}`, `${env:NAME:-default}`, `${file:/path}` and `$$`; what was put in is not looked at again. */
export function interpolate(text: string, sources: References): Interpolated {
  if (!text.includes("$")) return { text, references: [], mistakes: [] };
  const references: string[] = [];
  const mistakes: Mistake[] = [];
  const replaced = text.replace(part, (_whole: string, body: string | undefined, end: string | undefined) => {
    if (body === undefined) return "$";
    const resolved = end === undefined ? unclosed : resolve(body, sources);
    if ("mistake" in resolved) {
      mistakes.push(resolved.mistake);
      return "";
    }
    references.push(resolved.reference);
    return resolved.text;
  });
  return { text: replaced, references, mistakes };
}

type Resolved = { readonly text: string; readonly reference: string } | { readonly mistake: Mistake };

function resolve(body: string, sources: References): Resolved {
  if (body.startsWith("env:")) return resolveVariable(body.slice("env:".length), sources.environment);
  if (body.startsWith("file:")) return resolveFile(body.slice("file:".length), sources);
  const mend = /^[A-Z_][A-Z0-9_]*$/.test(body)
    ? `write \`\${env:${body}}\`, or \`$$\` for a dollar sign`
    : "write `${env:NAME}`, `${env:NAME:-default}` or `${file:/path}`, or `$$` for a dollar sign";
  return { mistake: { problem: "has a reference of no known form", mend } };
}

function resolveVariable(body: string, environment: References["environment"]): Resolved {
  const split = body.indexOf(":-");
  const name = split < 0 ? body : body.slice(0, split);
  if (!variableName.test(name)) {
    return { mistake: { problem: "names no variable", mend: "write `${env:NAME}` or `${env:NAME:-default}`" } };
  }
  const value = environment[name];
  const reference = `env ${name}`;
  // As in a shell, the default also stands in for an empty variable.
  if (split >= 0 && (value ?? "") === "") return { text: body.slice(split + 2), reference: `default of ${reference}` };
  if (value !== undefined) return { text: value, reference };
  const mend = `set it, or give a default: \`\${env:${name}:-…}\``;
  return { mistake: { problem: `the environment variable ${name} is not set`, mend } };
}

function resolveFile(path: string, sources: References): Resolved {
  if (path === "") return { mistake: { problem: "names no file", mend: "write `${file:/path}`" } };
  try {
    return { text: sources.readText(path), reference: `file ${path}` };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { mistake: { problem: `cannot read the file ${path}: ${why}`, mend: "create it, or correct the path" } };
  }
}

// No text of the value in it: it may be a password that happens to hold `${`.
const unclosed: Resolved = {
  mistake: { problem: "has a reference that is not closed", mend: "end it with `}`, or write `$$` for a dollar sign" },
};
