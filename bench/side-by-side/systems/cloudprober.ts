import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BenchCheck, byLoad, lacksKind, type Plan, type Surroundings, type System } from "./system.js";
import { versionOf } from "./version.js";

/** Cloudprober, one probe per load with every check as an endpoint of it. */
export function cloudprober(program: string): System {
  return {
    name: "cloudprober",
    label: "Cloudprober",
    version: versionOf(program),
    cannot: (checks) => lacksKind(["http", "tcp", "postgres"], checks),
    plan: (surroundings) => plan(surroundings, program),
  };
}

/** It starts the endpoints of a probe this far apart. */
const secondsBetweenStarts = 0.01;

async function plan({ folder, checks, freePort }: Surroundings, program: string): Promise<Plan> {
  const port = await freePort();
  const file = join(folder, "cloudprober.cfg");
  const groups = byLoad(checks);
  writeFileSync(file, `host: "127.0.0.1"\nport: ${port}\n${groups.map(probeText).join("")}`);
  const url = `http://127.0.0.1:${port}/metrics`;
  const startSeconds = groups.map((group) => group.length * secondsBetweenStarts + group[0].intervalMs / 1_000);
  return {
    programs: [
      { command: program, args: [`--config_file=${file}`, "--cloud_metadata=none", "--disable_cloud_logging"] },
    ],
    aliveUrls: [url],
    upUrls: [url],
    metricsUrl: url,
    warmUpSeconds: Math.max(...startSeconds) + 12,
  };
}

const types = { http: "HTTP", tcp: "TCP", postgres: "SQL" } as const;
const bodies = {
  http: () => `validator { name: "status" http_validator { success_status_codes: "200" } }
  validator { name: "body" regex: "UP" }
  http_probe { }`,
  tcp: () => "tcp_probe { resolve_first: true }",
  postgres: (check: BenchCheck) => {
    const { username, pathname } = new URL(check.target);
    return `sql_probe { flavor: POSTGRES user: "${username}" database: "${pathname.slice(1)}" query: "select 1" }`;
  },
} as const;

function probeText(group: readonly [BenchCheck, ...BenchCheck[]], index: number): string {
  const [{ kind, intervalMs, timeoutMs }] = group;
  return `probe {
  name: "load-${index}" type: ${types[kind]}
  interval: "${intervalMs}ms" timeout: "${timeoutMs}ms"
  targets {
    ${group.map(endpointText).join("\n    ")}
  }
  ${bodies[kind](group[0])}
}
`;
}

function endpointText({ name, kind, target }: BenchCheck): string {
  if (kind === "http") return `endpoint { name: "${name}" url: "${target}" }`;
  const { hostname, port } = new URL(kind === "tcp" ? `tcp://${target}` : target);
  return `endpoint { name: "${name}" ip: "${hostname}" port: ${port} }`;
}
