import { readFileSync } from "node:fs";
import { renderChecks, renderVerdict } from "./check-table.js";
import { parseAgentUrl } from "./doctor/agent-url.js";
import { type Ask, createAsk, NoAnswer } from "./doctor/ask.js";
import { expectFailure } from "./doctor/expect-failure.js";
import { type Finding, steps, unknown } from "./doctor/finding.js";
import { type FullReport, isFull, readReport } from "./doctor/read-report.js";
import { doctorExitCode, score } from "./doctor/verdict.js";
import { Stranger, type Waiting, walkCaching, walkDetails, walkLiveness, walkReadiness } from "./doctor/walk.js";
import { CommandFailure } from "./exit.js";
import { startProgress } from "./progress.js";
import { createTerminal, type Terminal } from "./terminal.js";

export interface DoctorArguments {
  /** Name of the check that somebody is about to break. */
  readonly expectFailure?: string;
  /** How long a start and an expected failure are waited for. */
  readonly timeout: number;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly json?: true;
}

/** Above it only what is not healthy is shown. */
const maxRows = 20;

/** `healthspan doctor`: walks a running agent; the exit code says what it met. */
export async function doctor(url: string, options: DoctorArguments): Promise<void> {
  const terminal = createTerminal(process.stdout, process.env);
  const agent = parseAgentUrl(url);
  const token = tokenOf(options);
  const ask = createAsk(agent, token);
  let heading = `Healthspan at ${agent.base}\n\n`;
  const found: Finding[] = [];
  const add = (finding: Finding): void => {
    found.push(finding);
    if (options.json) return;
    terminal.write(heading + renderFinding(finding, terminal));
    heading = "";
  };
  const hasCredentials = token !== undefined || agent.credentials !== undefined;
  const { findings, report } = await walkOrFail({ ask, base: agent.base, hasCredentials, found, add, options });
  process.exitCode = doctorExitCode(findings, report);
  if (options.json) terminal.write(`${JSON.stringify(asJson(agent.base, findings, report), undefined, 2)}\n`);
  else terminal.write(renderClosing(findings, report, terminal));
}

interface Walk {
  readonly ask: Ask;
  readonly base: string;
  readonly hasCredentials: boolean;
  readonly options: DoctorArguments;
  /** As far as the walk has come. */
  readonly found: readonly Finding[];
  add(finding: Finding): void;
}

interface Walked {
  readonly findings: readonly Finding[];
  readonly report: FullReport | undefined;
}

/** @throws CommandFailure where there is no agent; for a program that is a step that could not be told. */
async function walkOrFail(walk: Walk): Promise<Walked> {
  try {
    return await walkAll(walk);
  } catch (error) {
    const [message, next] = objectionTo(error, walk.base);
    if (!walk.options.json) throw new CommandFailure(`healthspan: ${message}; ${next}`);
    return {
      findings: [...walk.found, unknown(steps[walk.found.length] ?? "failure", message, next)],
      report: undefined,
    };
  }
}

function objectionTo(error: unknown, base: string): readonly [message: string, next: string] {
  if (error instanceof NoAnswer) return [`no agent at ${base}: ${error.message}`, error.next];
  if (!(error instanceof Stranger)) throw error;
  return [
    `what answers at ${base} is no Healthspan (${error.message})`,
    "name the agent's own port, 9464 unless server.port says otherwise",
  ];
}

async function walkAll({ ask, hasCredentials, options, found, add }: Walk): Promise<Walked> {
  add(await walkLiveness(ask));
  add(await waitFor(options.timeout, (waiting) => walkReadiness(ask, waiting)));
  const details = (waiting: Waiting) => walkDetails({ ...waiting, ask, hasCredentials });
  const { finding, report } = await waitFor(options.timeout, details);
  add(finding);
  add(await walkCaching(ask));
  const { expectFailure: name } = options;
  if (name === undefined) return { findings: found, report };
  if (found.some(({ result }) => result !== "passed") || !report) {
    add(unknown("failure", "not tried: the steps before it have to pass"));
    return { findings: found, report };
  }
  const onWait = () => {
    if (!options.json) sayToScripts(name, options.timeout);
  };
  add(await waitFor(options.timeout, (waiting) => expectFailure({ ...waiting, ask, name, report, onWait })));
  return { findings: found, report: (await lastReport(ask)) ?? report };
}

/** As it is after the failure; undefined when the agent is gone. */
async function lastReport(ask: Ask): Promise<FullReport | undefined> {
  const reply = await ask("/health").catch(() => undefined);
  const report = reply && readReport(reply.body);
  return isFull(report) ? report : undefined;
}

/** With a line on the terminal that says what is waited for. */
async function waitFor<Result>(timeoutMs: number, step: (waiting: Waiting) => Promise<Result>): Promise<Result> {
  const progress = startProgress("asking", createTerminal(process.stderr, process.env));
  try {
    return await step({ untilMs: performance.now() + timeoutMs, say: progress.say });
  } finally {
    progress.end();
  }
}

/** Where no line can be drawn anew, it is said once. */
function sayToScripts(name: string, timeoutMs: number): void {
  if (createTerminal(process.stderr, process.env).isTerminal) return;
  process.stderr.write(`waiting up to ${timeoutMs / 1_000} s for the 503: stop ${name} now\n`);
}

/** @throws CommandFailure when what is given is no token: no header could carry it. */
function tokenOf({ token, tokenFile }: DoctorArguments): string | undefined {
  if (token !== undefined && tokenFile !== undefined) {
    throw new CommandFailure("healthspan: --token and --token-file do not go together; leave one out");
  }
  if (tokenFile !== undefined) return tokenIn(readToken(tokenFile), tokenFile);
  const given = token ?? process.env.HEALTHSPAN_TOKEN;
  const source = token === undefined ? "HEALTHSPAN_TOKEN" : "--token";
  return given === undefined || given === "" ? undefined : tokenIn(given, source);
}

function tokenIn(text: string, source: string): string {
  if (/^[\x21-\x7e]+$/.test(text)) return text;
  throw new CommandFailure(`healthspan: ${source} holds no token; write it there as one line of printable characters`);
}

const whyNotRead: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "it is a folder; name the file in it",
  EACCES: "no permission to read it; let this user read it",
};

function readToken(file: string): string {
  try {
    return readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    throw new CommandFailure(`healthspan: ${file} cannot be read: ${whyNotRead[code] ?? (code || String(error))}`);
  }
}

const colors = { passed: "green", failed: "red", unknown: "yellow" } as const;

function renderFinding({ step, result, message, next }: Finding, { paint }: Terminal): string {
  const advice = next === undefined ? "" : `${" ".repeat(20)}${paint("dim", "next:")} ${next}\n`;
  return `${paint(colors[result], result.padEnd(7))}  ${step.padEnd(9)}  ${message}\n${advice}`;
}

function renderClosing(findings: readonly Finding[], report: FullReport | undefined, terminal: Terminal): string {
  const details = report ? `\n${renderReport(report, terminal)}` : "";
  const isPassed = findings.every(({ result }) => result === "passed");
  return `${details}\n${terminal.paint(isPassed ? "green" : "red", score(findings))}\n`;
}

function renderReport(report: FullReport, terminal: Terminal): string {
  const all = Object.entries(report.dependencies);
  const shown = all.length > maxRows ? all.filter(([, { status }]) => status !== "healthy") : all;
  const table = shown.length > 0 ? renderChecks({ dependencies: Object.fromEntries(shown) }, terminal) : "";
  const rest = shown.length < all.length ? `and ${all.length - shown.length} healthy checks\n` : "";
  return `${table}${rest}${renderVerdict(report.status, report.message, terminal)}`;
}

function asJson(url: string, findings: readonly Finding[], report: FullReport | undefined): object {
  const passed = findings.filter(({ result }) => result === "passed").length;
  return { url, passed, total: findings.length, steps: findings, report: report ?? null };
}
