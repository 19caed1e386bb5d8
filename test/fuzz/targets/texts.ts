import { findingOf } from "../../../src/engine/finding.js";
import { safeText } from "../../../src/engine/safe-text.js";
import { CheckCounts } from "../../../src/signals/counts.js";
import { createScrubber } from "../../../src/signals/scrubber.js";
import { createMetricProducer } from "../../../src/telemetry/metric-producer.js";
import { readPluginOutput } from "../../../src/wire/performance-data.js";
import { identity, record } from "../../signals/records.js";
import { render } from "../../telemetry/exposition.js";
import { type FuzzTarget, plantedSecret } from "../fuzz-target.js";
import { mustBeClean, mustHold, mustHoldNoSecret } from "../invariants.js";

/** The first line is a secret, the rest is text that a target says. */
function judgeText(input: Buffer): void {
  const text = input.toString();
  const [secret = "", ...rest] = text.split("\n");
  const scrub = createScrubber([secret, plantedSecret]);
  const said = `${rest.join("\n")}${plantedSecret}`;
  mustHoldNoSecret(scrub(said), "a scrubbed text");
  const isBlot = secret.length < 3 || "***".includes(secret) || /^\*|\*$/.test(secret);
  if (!isBlot) mustHold(!scrub(`${said}${secret}`).includes(secret), `the secret ${JSON.stringify(secret)} stays`);
  for (const each of [said, `${"x".repeat(240)}${said}`, `${said}…`]) {
    const safe = safeText(each, scrub);
    mustHold(safe.length <= 256, `${safe.length} characters`);
    mustBeClean(safe, "a safe text");
    mustHoldNoSecret(safe, "a safe text");
    mustHold(scrub(safe).length <= safe.length + 3 || secret.length < 6, "grows");
  }
}

export const safeTexts: FuzzTarget = {
  name: "safe-text",
  feeds: "a secret and a target's text, to the scrubber and to what cuts and cleans texts",
  seeds: [
    `hunter2\npassword hunter2 is wrong for ${plantedSecret}`,
    "a b&c=d/e\na%20b%26c%3Dd%2Fe a+b%26c%3Dd%2Fe",
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
    `${plantedSecret}\n${Buffer.from(`x:${plantedSecret}`).toString("base64")}`,
  ],
  words: [
    plantedSecret,
    encodeURIComponent(plantedSecret),
    "…",
    "***",
    "%2",
    "\\u00df",
    "=",
    "\u001b]0;x\u0007",
    "\ud83d",
  ],
  maxLength: 4_096,
  runsInTests: 300,
  start: () => ({ judge: judgeText }),
};

const name = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const value = '"(?:[^"\\\\\\n]|\\\\[\\\\"n])*"';
const label = `[a-zA-Z_][a-zA-Z0-9_]*=${value}`;
const labels = `(?:\\{(?:${label}(?:,${label})*)?\\})?`;
const number = "(?:NaN|[+-]Inf|-?\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?)";
/** https://prometheus.io/docs/instrumenting/exposition_formats/ and the exemplars of OpenMetrics. */
const sampleLine = new RegExp(
  `^${name}${labels} ${number}(?: # \\{(?:${label}(?:,${label})*)?\\} ${number}(?: ${number})?)?$`,
);
const commentLine = new RegExp(`^# (?:EOF|(?:HELP|TYPE|UNIT) ${name}(?: .*)?)$`);

/** A plugin's output all the way to the scrape: its labels become names of facts, facts become labels. */
async function judgeExposition(input: Buffer): Promise<void> {
  const text = input.toString();
  const [message = "", ...words] = text.split("|");
  const { measurements } = readPluginOutput(text, { maxMeasurements: 50, taken: [] });
  const measured = Object.fromEntries(measurements.map((each) => [each.name, each.value]));
  const odd = Object.fromEntries(words.slice(0, 20).map((word, index) => [word, index]));
  const outcome = { status: "degraded", reason: "threshold", message, facts: { ...odd, ...measured } } as const;
  const finding = findingOf({ outcome }, createScrubber([plantedSecret]));
  mustBeClean(finding.outcome, "the outcome");
  const counts = new CheckCounts();
  const check = identity("a", { hasOpenFacts: true, policy: { labels: { team: "x" } } });
  counts.checkAdded(check, "unknown");
  counts.run(record(check, { outcome: "degraded", reason: "threshold", facts: finding.outcome.facts ?? {} }));
  const { resourceMetrics } = await createMetricProducer(counts).collect();
  const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
  for (const accept of ["text/plain", "application/openmetrics-text"]) {
    const exposed = await render(metrics, accept, { "service.name": message.replaceAll(plantedSecret, "-") });
    mustHold(exposed.text.endsWith("\n"), "the text ends within a line");
    for (const line of exposed.text.slice(0, -1).split("\n")) {
      mustHold(sampleLine.test(line) || commentLine.test(line), `no line of the format: ${JSON.stringify(line)}`);
    }
    mustHoldNoSecret(Object.keys(measured).length === 0 ? exposed.text.replace(/target_info.*/, "") : "", "the text");
  }
}

export const exposition: FuzzTarget = {
  name: "exposition",
  feeds: "names and texts that end in labels of `/metrics`",
  seeds: ["OK - fine|a=1;2;3 'b c'=4%", 'quote " backslash \\ newline \n|"|\\|}|{|\n|,|=', "é|ü=1|\u202e=2|\0=3"],
  words: [
    '"',
    "\\",
    "\\n",
    "\n",
    "}",
    "{",
    ",",
    "=",
    " ",
    "# EOF\n",
    "|",
    "\ud800",
    "__name__",
    "le",
    "item",
    plantedSecret,
  ],
  maxLength: 2_048,
  runsInTests: 150,
  start: () => ({ judge: judgeExposition }),
};
