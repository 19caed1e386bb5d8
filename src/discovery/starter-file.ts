import { emptyDisk } from "../config/disk.js";
import { loadConfig } from "../config/load-config.js";
import { kinds } from "../kinds/index.js";
import type { Discovered } from "./discover-checks.js";

export interface StarterOptions {
  /** Of the service; undefined where the environment names it. */
  readonly name: string | undefined;
  readonly version?: string;
  readonly checks: readonly Discovered[];
  /** Where telemetry goes unless the environment says so; empty for nowhere. */
  readonly endpoint: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A check of the file. */
export interface StarterCheck extends Discovered {
  /** Why it would not load as it is: it is written as a comment. */
  readonly problem?: string;
}

export interface StarterFile {
  readonly text: string;
  readonly checks: readonly StarterCheck[];
}

/** A config file to begin with: it loads in this environment, and says what else there is. */
export function createStarterFile({ name, version, checks, endpoint, env }: StarterOptions): StarterFile {
  const tried = checks.map((check): StarterCheck => {
    const problem = problemOf(check, env);
    return problem === undefined ? check : { ...check, problem };
  });
  const parts = [head, serviceSection(name, version), serverSection, telemetrySection(endpoint), checksSection(tried)];
  return { text: parts.join("\n"), checks: tried };
}

/** What is wrong with one check, were it alone in a file. */
function problemOf(check: Discovered, env: StarterOptions["env"]): string | undefined {
  const unset = variablesOf(check).find((name) => !env[name]);
  if (unset !== undefined) return `${unset} is not set`;
  const withoutFiles = () => ({ checks: [entryOf(check)] });
  const result = loadConfig({ env: { ...env, HEALTHSPAN_CONFIG: undefined }, disk: emptyDisk, withoutFiles });
  if (result.ok) return undefined;
  // What is wrong beside it, a variable of the server for one, is for `validate` to say.
  const found = result.problems.find(({ path }) => path.startsWith("checks"));
  return found && `${found.path.replace(/^checks\[0\]\.?/, "")}: ${found.problem}`;
}

const variablesOf = ({ options }: Discovered): readonly string[] =>
  [...JSON.stringify(options).matchAll(/\$\{env:(\w+)\}/g)].map(([, name = ""]) => name);

const entryOf = ({ name, kind, critical, options }: Discovered): Readonly<Record<string, unknown>> => ({
  name,
  kind,
  ...(critical && { critical }),
  ...options,
});

const head = `# What Healthspan checks, who may ask it, and where its telemetry goes. \`healthspan init\` wrote this from what it
# found here; from now on the file is yours. What is commented out shows what there is. A value such as \${env:NAME}
# is taken from the environment of the agent, \${env:NAME:-default} has a default, \${file:/path} is read from a file.
#
#   healthspan validate    names every mistake with its line; --print shows the effective values
#   healthspan check       runs each check once
#   healthspan schema      is for editors that complete YAML; its --help says how
`;

function serviceSection(name: string | undefined, version = "1.0.0"): string {
  return `service:
  # Everything that is exported bears this name.
  ${name === undefined ? "# name: the environment says it (OTEL_SERVICE_NAME)" : `name: ${scalar(withoutReferences(name))}`}
  # version: ${scalar(version)}
  # environment: production
`;
}

/** A folder may be called `a${b`. */
const withoutReferences = (text: string): string => text.replaceAll("$", () => "$$");

const serverSection = `# Probes, report, metrics and status page are at http://127.0.0.1:9464.
# server:
#   # Who else may ask; a container needs 0.0.0.0.
#   host: 0.0.0.0
#   port: 9464
#   # Shows the details to whoever sends it. Without one only this machine sees them.
#   token: \${env:HEALTHSPAN_TOKEN}
`;

const telemetrySection = (endpoint: string): string => `telemetry:
  otlp:
    # The OpenTelemetry Collector that gets traces, metrics and events. While it is empty, nothing is sent.
    endpoint: \${env:OTEL_EXPORTER_OTLP_ENDPOINT:-${endpoint}}
`;

const example = `  # What else does the service need? \`healthspan check https://…\` tries one without any file.
  #
  # - name: payments
  #   kind: http
  #   url: https://payments.internal/health
  #   interval: 10s
  #   failureThreshold: 2
  #   thresholds:
  #     duration_ms: { degraded: { above: 500 } }
`;

function checksSection(checks: readonly StarterCheck[]): string {
  const list = checks.map(({ problem, ...check }) =>
    problem === undefined ? active(check) : commented(check, problem),
  );
  const opening = `# A check is optional unless it is critical: while a critical one fails, /readyz answers 503.
checks:`;
  return [opening, ...list, example].join("\n");
}

function active(check: Discovered): string {
  return `  # Here because ${check.because}.\n${lines(check)
    .map((line) => `  ${line}\n`)
    .join("")}`;
}

function commented(check: Discovered, problem: string): string {
  const reason = `  # ${sentence(check.because)}, but this would not load (${problem}).\n  # Take the # away when that is mended.\n  #\n`;
  return `${reason}${lines(check)
    .map((line) => `  # ${line}\n`)
    .join("")}`;
}

/** The check as YAML, with the policy that it gets from its kind, as a comment. */
function lines(check: Discovered): readonly string[] {
  const [first = "", ...rest] = Object.entries(entryOf(check)).map(([key, value]) => `${key}: ${scalar(value)}`);
  const { intervalMs = 30_000, timeoutMs = 3_000 } = kinds.find(({ kind }) => kind === check.kind)?.defaults ?? {};
  const policy = [`# interval: ${intervalMs / 1_000}s`, `# timeout: ${timeoutMs / 1_000}s`];
  return [`- ${first}`, ...[...rest, ...policy].map((line) => `  ${line}`)];
}

/** A value on one line: bare where YAML reads it as the same text, else as JSON, which is YAML too. */
function scalar(value: unknown): string {
  if (typeof value === "string" && /^(\$\{env:\w+\}|[A-Za-z][\w./:@-]*[\w/])$/.test(value) && !reserved.test(value)) {
    return value;
  }
  return JSON.stringify(value);
}

const reserved = /^(true|false|null|yes|no|on|off)$/i;
const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
