import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { CommanderError } from "commander";
import { createProgram } from "../../src/cli/program.js";
import { read, root } from "./pages.js";

/** What npm does by itself, without a script of ours. */
const npmOwn = ["ci", "init", "install", "pack", "link"];
const scripts = (JSON.parse(read("package.json")) as { readonly scripts: Readonly<Record<string, string>> }).scripts;

/** The commands of a shell block, one a line: without prompts' comments, what is set before them, and the plumbing. */
export function commandsOf(text: string): readonly string[] {
  return text
    .replaceAll(/\\\n/g, " ")
    .split("\n")
    .map((line) => line.replace(/(^|\s)#.*$/, "$1").trim())
    .flatMap((line) => line.split(/\s*(?:&&|\|\||[|;&])\s*/))
    .map((command) => command.replace(/^(?:(?:export|sudo|if|then|!)\s+)*(?:[A-Z_]+=\S*\s+)*/, "").trim())
    .filter((command) => command !== "");
}

/** What stands at the top of a checkout, by which a word is known as a path into it. */
const tops = new Set(readdirSync(root));

/** What is wrong with a command of ours, or with a path of ours in any; undefined where nothing is. */
export function problemOf(command: string): string | undefined {
  const [program = "", ...words] = wordsOf(command);
  const absent = words.find((word) => isOurs(word) && !existsSync(join(root, word)));
  if (absent !== undefined) return `there is no ${absent}`;
  if (program === "npm") return npmProblem(words);
  if (program === "healthspan") return ownProblem(words);
  if (program !== "node" && program !== "bash" && program !== "npx" && !program.startsWith("./")) return undefined;
  const script = program.startsWith("./") ? program : words.find((word) => /\.(?:m?js|ts|sh)$/.test(word));
  if (script === undefined || isReaders(script)) return undefined;
  if (script === "dist/cli/main.js") return ownProblem(words.slice(words.indexOf(script) + 1));
  return existsSync(join(root, script.replace(besideReader, ""))) ? undefined : `there is no ${script}`;
}

/** A checkout, seen from a folder of the reader's own. */
const besideReader = /^\.\.\/healthspan\//;

/** What a page has the reader save in a folder of their own. */
const isReaders = (script: string): boolean => !script.replace(/^\.\//, "").includes("/") && !/\.sh$/.test(script);

/** `dist` is made by a build; a pattern or a variable names no one file. */
const isOurs = (word: string): boolean =>
  word.includes("/") && tops.has(word.replace(/^\.\//, "").split("/")[0] ?? "") && !/^dist\/|[*$<{:]/.test(word);

function wordsOf(command: string): readonly string[] {
  return [...command.replace(/\s+\d?>+\s*\S+/g, "").matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? "",
  );
}

function npmProblem(words: readonly string[]): string | undefined {
  const [verb = "", name = ""] = words.filter((word) => !word.startsWith("-"));
  const script = verb === "run" ? name : verb;
  if (script in scripts || npmOwn.includes(verb)) return undefined;
  return `package.json has no script ${script}`;
}

/** Asks the program's own definition, as far as it goes without running anything. */
function ownProblem(words: readonly string[]): string | undefined {
  const [first = ""] = words;
  if (["-h", "--help", "-V", "--version"].includes(first)) return undefined;
  const program = createProgram();
  const name = first === "" || first.startsWith("-") ? "run" : first;
  const command = program.commands.find((candidate) => candidate.name() === name);
  if (!command) return `healthspan has no command ${name}`;
  try {
    command.exitOverride().configureOutput({ writeErr: () => undefined });
    const { operands, unknown } = command.parseOptions([...words.slice(name === first ? 1 : 0)]);
    const options = unknown.filter((word) => word.startsWith("-") && word !== "--help");
    if (options.length > 0) return `healthspan ${name} has no option ${options.join(", ")}`;
    const most = command.registeredArguments.some(({ variadic }) => variadic)
      ? Number.POSITIVE_INFINITY
      : command.registeredArguments.length;
    return operands.length > most ? `healthspan ${name} takes no ${operands.join(" ")}` : undefined;
  } catch (error) {
    // A sentence may name an option without its value.
    if (error instanceof CommanderError) return error.message.endsWith("argument missing") ? undefined : error.message;
    throw error;
  }
}
