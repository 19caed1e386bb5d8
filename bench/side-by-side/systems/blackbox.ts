import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type BenchCheck,
  byLoad,
  lacksKind,
  longestIntervalSeconds,
  type Plan,
  type Surroundings,
  type System,
} from "./system.js";
import { versionOf } from "./version.js";

/** blackbox_exporter, with Prometheus as its scheduler and memory: neither does the job alone. */
export function blackbox(programs: { readonly blackbox: string; readonly prometheus: string }): System {
  return {
    name: "blackbox",
    label: "blackbox_exporter + Prometheus",
    version: `${versionOf(programs.blackbox)} + ${versionOf(programs.prometheus)}`,
    cannot: (checks) => lacksKind(["http", "tcp"], checks),
    plan: (surroundings) => plan(surroundings, programs),
  };
}

const modules = `modules:
  http:
    prober: http
    timeout: 10s
    http: { preferred_ip_protocol: ip4, valid_status_codes: [200], fail_if_body_not_matches_regexp: ["UP"] }
  tcp: { prober: tcp, timeout: 10s, tcp: { preferred_ip_protocol: ip4 } }
`;

async function plan(
  { folder, checks, freePort }: Surroundings,
  programs: { readonly blackbox: string; readonly prometheus: string },
): Promise<Plan> {
  const [blackboxAddress, prometheusAddress] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const jobs = byLoad(checks).map((group, index) => {
    const targets = file(`targets-${index}.json`, JSON.stringify([{ targets: group.map(({ target }) => target) }]));
    return jobText(group[0], { index, targets, blackboxAddress });
  });
  const prometheusYml = file("prometheus.yml", `scrape_configs:\n${jobs.join("")}`);
  return {
    programs: [
      {
        command: programs.blackbox,
        args: [`--config.file=${file("blackbox.yml", modules)}`, `--web.listen-address=${blackboxAddress}`],
      },
      {
        command: programs.prometheus,
        args: [
          `--config.file=${prometheusYml}`,
          `--storage.tsdb.path=${join(folder, "data")}`,
          `--web.listen-address=${prometheusAddress}`,
        ],
      },
    ],
    aliveUrls: [`http://${blackboxAddress}/-/healthy`, `http://${prometheusAddress}/-/healthy`],
    upUrls: [`http://${prometheusAddress}/-/ready`],
    // Prometheus waits 5 s before it uses discovered targets.
    warmUpSeconds: Math.min(longestIntervalSeconds(checks), 10) + 9,
  };
}

interface Job {
  readonly index: number;
  readonly targets: string;
  readonly blackboxAddress: string;
}

/** The exporter's own timeout is the scrape's, less half a second. */
function jobText({ kind, intervalMs, timeoutMs }: BenchCheck, { index, targets, blackboxAddress }: Job): string {
  return `- job_name: load-${index}
  metrics_path: /probe
  params: { module: [${kind}] }
  scrape_interval: ${intervalMs}ms
  scrape_timeout: ${Math.min(intervalMs, timeoutMs + 500)}ms
  file_sd_configs: [{ files: ["${targets}"] }]
  relabel_configs:
  - { source_labels: [__address__], target_label: __param_target }
  - { source_labels: [__param_target], target_label: instance }
  - { target_label: __address__, replacement: "${blackboxAddress}" }
`;
}
