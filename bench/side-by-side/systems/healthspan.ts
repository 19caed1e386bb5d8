import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BenchCheck, longestIntervalSeconds, type Plan, type Surroundings, type System } from "./system.js";

export interface Build {
  readonly name: string;
  readonly label: string;
  /** `dist/cli/main.js` of this checkout unless said. */
  readonly main?: string;
  /** The Node that runs it; the one that runs us unless said. */
  readonly node?: string;
}

const ownMain = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));

/** Our agent, as it comes: every run traced, metrics on, OTLP as protobuf. */
export function healthspan({ name, label, main = ownMain, node = process.execPath }: Build): System {
  const say = (...args: string[]): string => execFileSync(node, args, { encoding: "utf8" }).trim();
  return {
    name,
    label,
    node,
    version: `${say(main, "--version")}, Node ${say("-p", "process.versions.node")}`,
    cannot: () => undefined,
    plan: async (surroundings) => plan(surroundings, [node, main]),
  };
}

async function plan(
  { folder, checks, sinkUrl, freePort }: Surroundings,
  [node, main]: readonly [string, string],
): Promise<Plan> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const file = join(folder, "healthspan.yaml");
  writeFileSync(file, configText({ checks, sinkUrl, port }));
  return {
    programs: [{ command: node, args: [main, "run", "--config", file] }],
    aliveUrls: [`${url}/livez`],
    upUrls: [`${url}/metrics`, `${url}/`],
    metricsUrl: `${url}/metrics`,
    warmUpSeconds: Math.min(longestIntervalSeconds(checks), 10) + 7,
  };
}

function configText({ checks, sinkUrl, port }: Pick<Surroundings, "checks" | "sinkUrl"> & { readonly port: number }) {
  return `service: { name: bench }
server: { host: 127.0.0.1, port: ${port}, drainDelay: 0s }
telemetry: { otlp: { endpoint: "${sinkUrl}", protocol: http/protobuf } }
checks:
${checks.map(checkText).join("\n")}
`;
}

function checkText({ name, kind, intervalMs, timeoutMs, target }: BenchCheck): string {
  const where = kind === "tcp" ? `address: "${target}"` : `url: "${target}"`;
  const expected = kind === "http" ? ", expect: { bodyContains: UP }" : "";
  return `  - { name: ${name}, kind: ${kind}, interval: ${intervalMs}ms, timeout: ${timeoutMs}ms, ${where}${expected} }`;
}
