import { emptyDisk } from "../../../src/config/disk.js";
import { formatProblem } from "../../../src/config/problem.js";
import { checkFromUrl, objectionToUrl } from "../../../src/discovery/check-from-url.js";
import { discoverChecks, loadConfigOrDiscover } from "../../../src/discovery/discover-checks.js";
import { createStarterFile } from "../../../src/discovery/starter-file.js";
import { kinds } from "../../../src/kinds/index.js";
import { load } from "../../config/load.js";
import { type FuzzTarget, plantedSecret } from "../fuzz-target.js";
import { mustBeClean, mustHold, mustHoldNoSecret } from "../invariants.js";

const variables = ["DATABASE_URL", "POSTGRES_URL", "REDIS_URL", "OPENAI_BASE_URL", "MILVUS_ADDRESS", "MILVUS_URI"];

/** The input is a URL, or a line `NAME=value` of an environment for each of its lines. */
function judge(input: Buffer): void {
  const text = input.toString();
  judgeUrl(text);
  const lines = text.split("\n").map((line) => line.split("="));
  const said = Object.fromEntries(lines.map(([name = "", ...value]) => [name, value.join("=")]));
  // A variable of the environment can hold no NUL.
  const url = text.replaceAll("\0", "");
  judgeEnvironment({
    ...Object.fromEntries(variables.map((name) => [name, url])),
    OPENAI_API_KEY: plantedSecret,
    ...said,
  });
}

function judgeUrl(text: string): void {
  const entry = checkFromUrl(text);
  if (!entry) {
    mustHold(objectionToUrl(text) !== "", "no objection");
    return;
  }
  const kind = kinds.find((each) => each.kind === entry.kind);
  mustHold(kind !== undefined, `no kind ${entry.kind}`);
  const { name: _name, kind: _kind, critical: _critical, ...options } = entry;
  const read = kind?.options.safeParse(options);
  if (read?.success) kind?.create(read.data as never);
}

function judgeEnvironment(env: Readonly<Record<string, string>>): void {
  const checks = discoverChecks(env);
  const { result } = loadConfigOrDiscover({ env, cwd: "/nowhere", hostname: "box", disk: emptyDisk });
  if (!result.ok) {
    mustHold(result.problems.length > 0, "refused without a problem");
    for (const problem of result.problems) {
      mustBeClean(formatProblem(problem), "a problem");
      mustHoldNoSecret(formatProblem(problem), "a problem");
    }
  }
  // Written as it is given: a service's name is no secret. An empty one is never given.
  const given = (env.NAME ?? "").slice(0, 255) || "app";
  const name = /S3cret/.test(given) ? "app" : given;
  const starter = createStarterFile({ name, checks, endpoint: "http://127.0.0.1:4318", env });
  mustHoldNoSecret(starter.text, "the starter file");
  const again = load({ "healthspan.yaml": starter.text }, { env, kinds });
  if (again.ok) return;
  // What a variable of telemetry holds is for `validate` to say.
  const wrong = again.problems.filter(({ file, path }) => file === "healthspan.yaml" && !path.startsWith("telemetry"));
  mustHold(
    wrong.length === 0,
    `the starter file does not load: ${wrong.map(formatProblem).join("; ")}\n${starter.text}`,
  );
}

export const discovery: FuzzTarget = {
  name: "discovery",
  feeds: "URLs on the command line, and an environment that names databases",
  seeds: [
    ...kinds.flatMap(({ urlExample }) => urlExample ?? []),
    `postgres://user:${encodeURIComponent(plantedSecret)}@db:5432/app?sslmode=require`,
    `rediss://:${encodeURIComponent(plantedSecret)}@cache/0`,
    "http://[::1]:80/a?b#c",
    "NAME=a\nDATABASE_URL=postgres://a@b/c\nPGHOST=db\nPGUSER=u",
    "REDIS_HOST=x\nREDIS_PORT=1\nMILVUS_HOST=m\nOTEL_EXPORTER_OTLP_ENDPOINT=http://x",
  ],
  words: [
    ...variables.map((name) => `\n${name}=`),
    "\nNAME=",
    "${",
    "$$",
    "\nOTEL_SERVICE_NAME=",
    "\nOTEL_RESOURCE_ATTRIBUTES=",
    "\nHEALTHSPAN_PORT=",
    "://",
    "@",
    ":",
    "/",
    "?",
    "&",
    "#",
    "%",
    "[::1]",
    "sslmode=",
    "localhost",
    "99999",
    "postgres",
    "redis",
    "tls",
    "grpc",
    "dns",
    "tcp",
    "llm+http",
    "milvus",
    "${env:A}",
    "'",
    '"',
    ": ",
  ],
  maxLength: 2_048,
  runsInTests: 100,
  start: () => ({ judge }),
};
