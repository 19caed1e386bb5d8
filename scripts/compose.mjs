// `npm run compose`: starts docker-compose.yml, waits until all of it is up, and prints where to look.
// `npm run compose -- logs` adds Loki, `-- lite` starts the small one, `-- down` ends both (volumes stay).
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const usage = `Usage: npm run compose [-- logs | lite | down]

  (nothing)  agent, PostgreSQL, Redis, Milvus, Collector, Prometheus, Alertmanager, Tempo, Grafana
  logs       the same, and Loki
  lite       the checked services, the agent and one backend for everything; no alerts
  down       ends what is running; data stays in its volumes`;

/** What each word starts: the profile that goes with it, and the services where it is not all of them. */
const variants = {
  "": { profile: undefined, services: [] },
  logs: { profile: "logs", services: [] },
  lite: { profile: undefined, services: ["agent-lite"] },
};

const [word = "", ...more] = process.argv.slice(2);
if (word !== "--help") requireCompose();
if (word === "down" && more.length === 0) process.exit(compose(["--profile", "*", "down"]));
const variant = more.length === 0 ? variants[word] : undefined;
if (variant === undefined) {
  console.error(usage);
  process.exit(word === "--help" ? 0 : 1);
}
const env = variant.profile === undefined ? {} : { COMPOSE_PROFILES: variant.profile };
const code = compose(["up", "--detach", "--build", "--wait", ...variant.services], env);
if (code === 0) printAddresses(env, word === "lite");
else console.error('\nNot everything came up. "docker compose ps" and "docker compose logs SERVICE" say what.');
process.exit(code);

function compose(words, env = {}, options = { stdio: "inherit" }) {
  const { status, error, stdout } = spawnSync("docker", ["compose", ...words], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, ...env },
    ...options,
  });
  if (error?.code === "ENOENT") {
    console.error('There is no "docker" here. Without containers: npm run stack');
    process.exit(1);
  }
  return options.stdio === "inherit" ? (status ?? 1) : stdout;
}

/** `docker` without its plugin takes `compose up --detach` for options of its own, and says nothing that helps. */
function requireCompose() {
  const { status } = spawnSync("docker", ["compose", "version"], { stdio: "ignore" });
  if (status === 0 || status === null) return;
  console.error('This "docker" has no Compose; install its plugin, 2.24 or newer. Without containers: npm run stack');
  process.exit(1);
}

/** As they are published: a port may come from .env or from the shell. */
function printAddresses(env, isLite) {
  const { services } = JSON.parse(compose(["--profile", "*", "config", "--format", "json"], env, { stdio: "pipe" }));
  const at = (service, port) => {
    const { published } = services[service].ports.find(({ target }) => target === port);
    return `http://localhost:${published}`;
  };
  const rows = isLite
    ? [
        ["Grafana", at("lgtm", 3000)],
        ["Agent", `${at("agent-lite", 9464)}/readyz`],
      ]
    : [
        ["Grafana", at("grafana", 3000)],
        ["Agent", `${at("agent", 9464)}/readyz`],
        ["Prometheus", at("prometheus", 9090)],
        ["Alertmanager", at("alertmanager", 9093)],
        ["OTLP", `${at("collector", 4318)}   for agents of your own`],
        ["Alerts", "docker compose logs -f alert-receiver"],
      ];
  console.log(`\n${rows.map(([name, where]) => `${name.padEnd(13)} ${where}`).join("\n")}`);
  console.log("\nTo see an alert: docker compose stop postgres. To end it all: npm run compose -- down");
}
