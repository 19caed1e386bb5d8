import { Command, CommanderError, Option } from "commander";
import { agentVersion } from "../agent/version.js";
import { nearest } from "../config/suggest.js";
import { parseEndpoint, parseMatcher, parseObjective, parsePath, parsePort, parseTimeout } from "./arguments.js";
import { CommandFailure, exitCode, failureExitCode, usageExitCode } from "./exit.js";
import * as texts from "./help-texts.js";
import { guardOutput } from "./output.js";
import { createTerminal } from "./terminal.js";

/** Resolves once the command line's words are done; the exit code is set, or the process ended. */
export async function runProgram(words: readonly string[]): Promise<void> {
  const args = withDefaultCommand(words);
  const [command] = args;
  const output = guardOutput(command);
  try {
    await createProgram(args).parseAsync(args, { from: "user" });
  } catch (error) {
    process.exitCode = exitCodeOf(error, command);
  }
  // A client that ignores its deadline may hold the loop open; nobody waits for it.
  if (command !== "run" && command !== "demo") await output.exit();
}

/** `healthspan --config x` is `healthspan run --config x`; only help and version stand alone. */
function withDefaultCommand(words: readonly string[]): string[] {
  const [first] = words;
  const standsAlone = first !== undefined && ["-h", "--help", "-V", "--version"].includes(first);
  return first === undefined || (first.startsWith("-") && !standsAlone) ? ["run", ...words] : [...words];
}

function exitCodeOf(error: unknown, command: string | undefined): number {
  // Commander has said already what is wrong, or shown the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : usageExitCode(command);
  if (error instanceof CommandFailure) {
    process.stderr.write(`${error.message}\n`);
    return failureExitCode(command, error);
  }
  const words = error instanceof Error ? error.message : String(error);
  if (/^E[MN]FILE\b/.test(words)) {
    process.stderr.write("healthspan: too many files are open; allow this process more (ulimit -n, LimitNOFILE)\n");
    return exitCode.internal;
  }
  process.stderr.write(`healthspan: ${words} (an error of healthspan itself; please report it)\n`);
  return exitCode.internal;
}

/** Every command with its options; nothing runs yet. The words of the command line are for advice in errors alone. */
export function createProgram(words: readonly string[] = []): Command {
  const { paint } = createTerminal(process.stdout, process.env);
  const program = new Command("healthspan")
    .description("An OpenTelemetry-native health agent: every health check is a span.")
    .version(agentVersion)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`${withAdvice(onOneLine(text), words)}\n`) })
    .configureHelp({ styleTitle: (title) => paint("bold", title) })
    .helpCommand(false)
    .addHelpText("after", texts.rootExamples);
  addRun(program);
  addInit(program);
  addValidate(program);
  addCheck(program);
  addDoctor(program);
  addProbe(program);
  addRules(program);
  addSchema(program);
  addDemo(program);
  addHelp(program);
  return program;
}

/** In place of commander's own, which answers an unknown command with everything there is. */
function addHelp(program: Command): void {
  program
    .command("help")
    .summary("show the help of a command")
    .description("Shows the help of a command, or of all.")
    .argument("[command]")
    .action((name?: string) => {
      const command = name === undefined ? program : program.commands.find((each) => each.name() === name);
      if (command) command.help();
      const names = program.commands.map((each) => each.name());
      throw new CommandFailure(unknownCommand(name ?? "", names), exitCode.usage);
    });
}

function unknownCommand(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  const advice = near === undefined ? "; healthspan --help lists them" : ` (Did you mean ${near}?)`;
  return `healthspan: unknown command '${name}'${advice}`;
}

/** Commander puts a suggestion on a line of its own. */
function onOneLine(text: string): string {
  return text
    .trim()
    .replace(/^error: /, "healthspan: ")
    .replace(/\s*\n\s*/g, " ");
}

/** What people mean who are told that they said too much, or a command that there is not. */
function withAdvice(text: string, words: readonly string[]): string {
  if (!/too many arguments|unknown command/.test(text) || text.includes("Did you mean")) return text;
  // Not shown again: there may be a password in it.
  if (/unknown command '[a-z+]+:\/\//i.test(text)) return "healthspan: a URL is no command; healthspan check takes one";
  const file = words.find((word, index) => /\.ya?ml$/.test(word) && !/^(-c|--config)$/.test(words[index - 1] ?? ""));
  if (file !== undefined) return `${text.replace(/\. Expected.*/, "")}; a file is named by --config ${file}`;
  return text.includes("unknown command") ? `${text}; healthspan --help lists them` : text;
}

function addRun(program: Command): void {
  program
    .command("run")
    .summary("run the agent (the default)")
    .description(
      "Runs the agent until it is told to stop. SIGTERM drains, SIGHUP reads the configuration again, a second signal ends it at once.",
    )
    .addOption(configOption())
    .addOption(allowExecOption())
    .addOption(
      new Option("--log-level <level>", "how much is logged")
        .choices(["debug", "info", "warn", "error"])
        .default("info"),
    )
    .addOption(
      new Option("--log-format <format>", "JSON lines, or lines for people")
        .choices(["auto", "json", "pretty"])
        .default("auto", "pretty on a terminal, else json"),
    )
    .addHelpText("after", texts.runExamples)
    .action(async (options) => (await import("./run.js")).run(options));
}

function addCheck(program: Command): void {
  program
    .command("check")
    .summary("run checks once and show what they found")
    .description(
      "Runs checks once and shows what they found: all of the configuration, the ones named, or one that a URL describes.",
    )
    .usage("[options] [names... | URL]")
    .argument("[names...]", "names of checks, or a URL of a form below")
    .addOption(configOption())
    .addOption(allowExecOption())
    .option("--json", "print the report as JSON")
    .addOption(new Option("--explain", "show the spans of each run and the options it ran with").conflicts("json"))
    .addHelpText("after", texts.checkExamples)
    .action(async (names: string[], options) => (await import("./check.js")).check(names, options));
}

function addValidate(program: Command): void {
  program
    .command("validate")
    .summary("say everything that is wrong with a configuration")
    .description("Reads the configuration and names every mistake with its place. Nothing is connected to.")
    .addOption(configOption())
    .addOption(allowExecOption())
    .option("--print", "print the effective values and where each comes from, secrets masked")
    .addHelpText("after", texts.validateExamples)
    .action(async (options) => (await import("./validate.js")).validate(options));
}

function addInit(program: Command): void {
  program
    .command("init")
    .summary("write a commented starter file from what is found here")
    .description(
      "Writes a commented starter file with a check for what the environment names and for what listens on this machine's loopback address at a well-known port. Connections to such a port are opened and closed, nothing is sent.",
    )
    .option("-o, --output <file>", "the file to write", parsePath, "healthspan.yaml")
    .option("--force", "replace the file if there is one")
    .addOption(new Option("--stdout", "print it instead").conflicts(["output", "force"]))
    .addHelpText("after", texts.initExamples)
    .action(async (options) => (await import("./init.js")).init(options));
}

function addDoctor(program: Command): void {
  program
    .command("doctor")
    .summary("walk a running agent: liveness, readiness, details, caching")
    .description(
      "Walks a running agent and says what it found: liveness, readiness (a start is waited for), details with a fresh result of every check, and answers from memory. With --expect-failure it then waits for the 503 that somebody is about to cause.",
    )
    .argument("[url]", "where the agent answers", "http://127.0.0.1:9464")
    .option("--expect-failure <check>", "wait until this check makes the agent answer 503")
    .addOption(
      new Option("--timeout <duration>", "how long to wait for a start, and for the failure")
        .argParser(parseTimeout)
        .default(120_000, "2m"),
    )
    .option("--token-file <file>", "file with the agent's server.token", parsePath)
    .option("--token <token>", "the token itself, which others on this host can see (default: $HEALTHSPAN_TOKEN)")
    .option("--json", "print the steps and the report as JSON")
    .addHelpText("after", texts.doctorExamples)
    .action(async (url: string, options) => (await import("./doctor.js")).doctor(url, options));
}

/** For the help text only: main.ts hands these words to an entry of its own. */
function addProbe(program: Command): void {
  program
    .command("probe")
    .summary("ask a URL once, for the health check of a container")
    .description("Asks a URL once. Exit code 0 for a 2xx answer, 1 for anything else. Redirects are not followed.")
    .argument("<url>", "http or https URL")
    .option("--timeout <duration>", "how long to wait for the whole answer", "3s")
    .addHelpText("after", texts.probeExamples);
}

function addRules(program: Command): void {
  program
    .command("rules")
    .summary("write Prometheus alerting rules for a configuration")
    .description(
      "Writes Prometheus alerting rules for each check of the configuration, with its owner, runbook, labels, severity and interval.",
    )
    .addOption(configOption())
    .option("--objective <percent>", "how much of the time a check has to be up", parseObjective, 99.9)
    .addOption(
      new Option(
        "--match <matcher>",
        "narrow every rule down, such as 'job=\"checkout-api\"'; may be repeated",
      ).argParser<string[]>((text, matchers) => [...(matchers ?? []), parseMatcher(text)]),
    )
    .addHelpText("after", texts.rulesExamples)
    .action(async (options) => (await import("./rules.js")).rules(options));
}

function addSchema(program: Command): void {
  program
    .command("schema")
    .summary("print the JSON Schema of the configuration")
    .description("Prints the JSON Schema of the configuration, for editors that complete and check YAML.")
    .addHelpText("after", texts.schemaExamples)
    .action(async () => (await import("./schema.js")).schema());
}

function addDemo(program: Command): void {
  program
    .command("demo")
    .summary("an agent over real parts that fail and recover")
    .description("Starts real servers on this machine, an agent that watches them, and faults that come and go.")
    .option("--port <number>", "where the agent listens (default: 9464, or a free one)", parsePort)
    .option("--otlp <url>", "send telemetry there, such as http://127.0.0.1:4318", parseEndpoint)
    .option("--fast", "faults follow each other every few seconds")
    .option("--without <parts...>", "leave parts out, such as knowledge, whose Milvus takes 300 MB of memory")
    .addHelpText("after", texts.demoExamples)
    .action(async (options) => (await import("./demo.js")).demo(options));
}

function configOption(): Option {
  return new Option(
    "-c, --config <path>",
    "file or directory; may be repeated, a later one overlays an earlier (default: $HEALTHSPAN_CONFIG, else ./healthspan.yaml)",
  ).argParser<string[]>((path, paths) => [...(paths ?? []), parsePath(path)]);
}

function allowExecOption(): Option {
  return new Option("--allow-exec", "let checks of kind `exec` run programs on this host");
}
