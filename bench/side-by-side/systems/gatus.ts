import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BenchCheck, lacksKind, type Plan, type Surroundings, type System } from "./system.js";

/** Gatus with its memory store and metrics on: as it comes (three checks at a time), or without that limit. */
export function gatus(program: string, { isUnlimited }: { readonly isUnlimited: boolean }): System {
  return {
    name: isUnlimited ? "gatus-unlimited" : "gatus",
    label: isUnlimited ? "Gatus, unlimited" : "Gatus",
    version: "it does not say",
    cannot: (checks) => lacksKind(["http", "tcp"], checks) ?? takesTooLong(checks),
    plan: (surroundings) => plan(surroundings, program, isUnlimited),
  };
}

/** It starts its endpoints this far apart. */
const secondsBetweenStarts = 0.222;
const mostMinutes = 5;

function takesTooLong(checks: readonly BenchCheck[]): string | undefined {
  const minutes = (checks.length * secondsBetweenStarts) / 60;
  return minutes > mostMinutes ? `it takes ${Math.round(minutes)} minutes until all checks run` : undefined;
}

async function plan({ folder, checks, freePort }: Surroundings, program: string, isUnlimited: boolean): Promise<Plan> {
  const port = await freePort();
  const file = join(folder, "config.yaml");
  writeFileSync(
    file,
    `metrics: true
disable-monitoring-lock: ${isUnlimited}
web: { address: 127.0.0.1, port: ${port} }
endpoints:
${checks.map(endpointText).join("\n")}
`,
  );
  const url = `http://127.0.0.1:${port}`;
  return {
    programs: [{ command: program, args: [], env: { GATUS_CONFIG_PATH: file, GATUS_LOG_LEVEL: "WARN" } }],
    aliveUrls: [`${url}/health`],
    upUrls: [`${url}/metrics`],
    metricsUrl: `${url}/metrics`,
    warmUpSeconds: checks.length * secondsBetweenStarts + 3,
  };
}

const conditions = { http: ["[STATUS] == 200", "[BODY] == pat(*UP*)"], tcp: ["[CONNECTED] == true"], postgres: [] };

function endpointText({ name, kind, target, intervalMs, timeoutMs }: BenchCheck): string {
  const url = kind === "tcp" ? `tcp://${target}` : target;
  const often = `interval: ${intervalMs}ms, client: { timeout: ${timeoutMs}ms }`;
  return `- { name: ${name}, url: "${url}", ${often}, conditions: ${JSON.stringify(conditions[kind])} }`;
}
