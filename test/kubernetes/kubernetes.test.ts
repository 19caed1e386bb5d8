import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import * as find from "./findings.js";
import {
  isAgent,
  kubernetesFolder,
  kustomizations,
  type Manifest,
  parseManifests,
  readManifests,
  workloadsOf,
} from "./manifest.js";

const root = join(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const { version } = JSON.parse(read("package.json")) as { version: string };

/** Asked of each folder as it is written; test/integration asks again of what Kustomize builds. */
const finders: Readonly<Record<string, find.Finder>> = {
  // Milvus writes beside its program.
  "hardens every container": find.hardened(["milvus"]),
  "shares nothing of node, API or Services": find.isolated,
  "says what every container needs": find.limited,
  "pins every image": find.pinned,
  "runs one version of Healthspan, the package's": find.oneTag(version),
  "probes every agent, and restarts nothing for what is checked": find.probed,
  "probes ports that are open": find.probedPorts,
  "gives every probe a time and a number that fit": find.timedProbes,
  "labels everything": find.labelled,
  "lets agents out to pods, whatever the network plugin": find.closedToPods,
  "has as many shards as pods": find.shardedEvenly,
  "mounts what is declared": find.mounted,
  "carries no secret": find.carriesSecrets,
};

const folders = kustomizations.filter((folder) => readManifests(join(kubernetesFolder, folder)).length > 0);

describe.each(folders)("deploy/kubernetes/%s", (folder) => {
  const manifests = readManifests(join(kubernetesFolder, folder));

  it.each(Object.keys(finders))("%s", (promise) => {
    expect(finders[promise]?.(manifests)).toEqual([]);
  });

  it("says the version of Healthspan wherever it says one", () => {
    const { images = [] } = parse(read(`deploy/kubernetes/${folder}/kustomization.yaml`)) as {
      images?: readonly { name: string; newTag: string }[];
    };
    expect(images.filter(({ name, newTag }) => name === "healthspan" && newTag !== version)).toEqual([]);
    for (const { labels, containers } of workloadsOf(manifests)) {
      if (labels["app.kubernetes.io/name"] !== "healthspan") continue;
      expect(containers.every(isAgent)).toBe(true);
      expect(labels["app.kubernetes.io/version"]).toBe(version);
    }
  });
});

describe("the manifests", () => {
  const all = folders.flatMap((folder) => readManifests(join(kubernetesFolder, folder)));
  const workload = (name: string, kind = "Deployment") =>
    workloadsOf(all.filter((manifest) => manifest.kind === kind && manifest.metadata.name === name))[0];

  it("have every form: fleet, shards, sidecars, Milvus, Collector, monitors and rules", () => {
    const kinds = new Set(all.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(
      ["Deployment", "NetworkPolicy", "PersistentVolumeClaim", "PodDisruptionBudget", "PodMonitor"]
        .concat("PrometheusRule", "Service", "ServiceMonitor", "StatefulSet")
        .sort(),
    );
    expect(workloadsOf(all).flatMap(({ containers }) => containers.filter(isAgent))).toHaveLength(4);
  });

  it("run a shard as the fleet's agent is run, but for its number, its size and its name", () => {
    const plain = (name: string, kind: string) => {
      const { containers = [], pod } = workload(name, kind) ?? {};
      const agents = containers.map(({ env = [], ...container }) => ({
        ...container,
        resources: undefined,
        env: env.filter((variable) => !variable.name.startsWith("HEALTHSPAN_SHARD_")),
      }));
      return { ...pod, hostname: undefined, topologySpreadConstraints: undefined, containers: agents };
    };
    expect(plain("healthspan", "StatefulSet")).toEqual(plain("healthspan", "Deployment"));
    expect(plain("healthspan", "Deployment").containers).toHaveLength(1);
  });

  it("probe Milvus as its source material asks", () => {
    const milvus = workload("milvus-standalone");
    const [agent, server] = milvus?.containers ?? [];
    expect(find.timesOf(server?.startupProbe)).toEqual({
      path: "/healthz",
      delay: 0,
      period: 10,
      timeout: 5,
      failures: 30,
    });
    expect(find.timesOf(server?.livenessProbe)).toEqual({
      path: "/healthz",
      delay: 90,
      period: 30,
      timeout: 10,
      failures: 3,
    });
    expect(find.timesOf(agent?.readinessProbe)).toEqual({
      path: "/readyz",
      delay: 30,
      period: 10,
      timeout: 5,
      failures: 2,
    });
    expect(server?.resources).toEqual({ requests: { cpu: "2", memory: "4Gi" }, limits: { cpu: "4", memory: "8Gi" } });
    expect(server?.ports?.map(({ containerPort }) => containerPort)).toEqual([19530, 9091]);
  });

  it("run the Collector in the version that the tests build, with room above its memory limiter", () => {
    const [collector] = workload("healthspan-collector", "StatefulSet")?.containers ?? [];
    const { dist } = parse(read("otel-collector/builder-config.yaml")) as { dist: { version: string } };
    expect(collector?.image).toBe(`otel/opentelemetry-collector-contrib:${dist.version}`);
    const { processors } = parse(read("otel-collector/config.yaml")) as {
      processors: { memory_limiter: { limit_mib: number } };
    };
    expect(Number.parseInt(collector?.resources?.limits.memory ?? "0", 10)).toBeGreaterThan(
      processors.memory_limiter.limit_mib,
    );
    const local = [...read("otel-collector/config.yaml").matchAll(/\$\{env:(\w+):-(?:http:\/\/)?127\.0\.0\.1/g)];
    const given = collector?.env?.map(({ name }) => name);
    expect(local.length).toBeGreaterThan(2);
    for (const [, name] of local) expect(given).toContain(name);
  });

  it("scrape ports and pods that are there", () => {
    const pods = workloadsOf(all);
    for (const { kind, metadata, spec } of all.filter((manifest) => /^(Pod|Service)Monitor$/.test(manifest.kind))) {
      const keys = (spec.selector.matchExpressions ?? []).map(({ key }: { key: string }) => key);
      const labels = Object.entries(spec.selector.matchLabels ?? {});
      const chosen = pods.filter(
        (pod) =>
          labels.every(([key, value]) => pod.labels[key] === value) && keys.every((key: string) => key in pod.labels),
      );
      expect(chosen.length, `${kind} ${metadata.name}`).toBeGreaterThan(0);
      for (const { port } of spec.podMetricsEndpoints ?? spec.endpoints) {
        for (const { name, containers } of chosen) {
          const names = containers.flatMap(({ ports = [] }) => ports.map((each) => each.name));
          expect(names, `${metadata.name} at ${name}`).toContain(port);
        }
      }
    }
  });

  it("find every pod that has an agent by exactly one PodMonitor", () => {
    const agents = workloadsOf(all).filter(({ containers }) => containers.some(isAgent));
    for (const { labels } of agents) {
      const isFleet = labels["app.kubernetes.io/name"] === "healthspan";
      expect(isFleet).toBe(labels["healthspan.dev/sidecar"] === undefined);
    }
  });
});

const good = stringify(readManifests(join(kubernetesFolder, "sidecar"))[0]);
const sharded = stringify(
  readManifests(join(kubernetesFolder, "overlays/shards")).find(({ kind }) => kind === "StatefulSet"),
);
const policy = stringify(readManifests(join(kubernetesFolder, "base")).find(({ kind }) => kind === "NetworkPolicy"));
const planted = (text: string, from: string | RegExp, to: string): readonly Manifest[] => {
  const bad = text.replace(from, to);
  if (bad === text) throw new Error("the plant changes nothing");
  return parseManifests(bad);
};

describe("a check of manifests", () => {
  const none: Readonly<Record<string, find.Finder>> = {
    ...finders,
    "hardens every container": find.hardened([]),
    selects: find.selectNothing,
    "has its config": find.namesAbsentConfig,
    fits: find.tooLarge,
  };

  it.each([
    ["hardens every container", "runAsNonRoot: true", "runAsNonRoot: false"],
    ["hardens every container", "runAsUser: 1000", "runAsUser: 0"],
    ["hardens every container", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false"],
    ["hardens every container", "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true"],
    [
      "hardens every container",
      "allowPrivilegeEscalation: false",
      "allowPrivilegeEscalation: false\n            privileged: true",
    ],
    ["hardens every container", "- ALL", "- NET_RAW"],
    ["hardens every container", "type: RuntimeDefault", "type: Unconfined"],
    [
      "shares nothing of node, API or Services",
      "automountServiceAccountToken: false",
      "automountServiceAccountToken: true",
    ],
    ["shares nothing of node, API or Services", "enableServiceLinks: false", "enableServiceLinks: true"],
    [
      "shares nothing of node, API or Services",
      "enableServiceLinks: false",
      "enableServiceLinks: false\n      hostNetwork: true",
    ],
    ["says what every container needs", /limits:\n\s+memory: \w+/, "limits: {}"],
    ["pins every image", `healthspan:${version}`, "healthspan:latest"],
    ["runs one version of Healthspan, the package's", `healthspan:${version}`, "healthspan:0.0.9"],
    [
      "probes every agent, and restarts nothing for what is checked",
      /(livenessProbe:\n\s+httpGet:\n\s+path: )\/livez/,
      "$1/readyz",
    ],
    [
      "probes every agent, and restarts nothing for what is checked",
      /(startupProbe:\n\s+httpGet:\n\s+path: )\/livez/,
      "$1/startupz",
    ],
    ["probes every agent, and restarts nothing for what is checked", "path: /readyz", "path: /health"],
    [
      "probes every agent, and restarts nothing for what is checked",
      /tcpSocket:\n\s+port: http/,
      "httpGet:\n              path: /readyz\n              port: 9464",
    ],
    [
      "probes every agent, and restarts nothing for what is checked",
      /( +)livenessProbe:\n +tcpSocket/,
      "$1startupProbe:\n$1  httpGet:\n$1    path: /readyz\n$1    port: 9464\n$1livenessProbe:\n$1  tcpSocket",
    ],
    ["probes ports that are open", /port: health/, "port: helth"],
    ["gives every probe a time and a number that fit", "timeoutSeconds: 5", "timeoutSeconds: 15"],
    ["gives every probe a time and a number that fit", "failureThreshold: 3", "successThreshold: 1"],
    ["labels everything", "app.kubernetes.io/name: shop", "app: shop"],
    ["mounts what is declared", "name: healthspan-config", "name: healthspan-conf"],
    [
      "mounts what is declared",
      "mountPath: /etc/healthspan",
      "mountPath: /etc/healthspan\n              subPath: healthspan.yaml",
    ],
    [
      "carries no secret",
      "name: POD_NAME\n",
      "name: API_TOKEN\n              value: x\n            - name: POD_NAME\n",
    ],
    ["selects", /matchLabels:\n\s+app.kubernetes.io\/name: shop/, "matchLabels:\n      app.kubernetes.io/name: shoop"],
    ["has its config", "name: shop-healthspan", "name: shop-healthspam"],
  ])("'%s' finds %s", (finder, from, to) => {
    expect(none[finder]?.(planted(good, from, to))).not.toEqual([]);
  });

  it("finds nothing in a good one", () => {
    for (const [name, finder] of Object.entries(none)) {
      if (name !== "has its config") expect(finder(parseManifests(good)), name).toEqual([]);
    }
  });

  it("finds pods and shards that differ in number, and an index that is none", () => {
    expect(none["has as many shards as pods"]?.(planted(sharded, "replicas: 6", "replicas: 5"))).toHaveLength(1);
    expect(none["has as many shards as pods"]?.(planted(sharded, "pod-index", "pod-name"))).toHaveLength(1);
  });

  it("finds a Service that asks for a sidecar's port by its name", () => {
    const whole = readManifests(join(kubernetesFolder, "milvus"));
    const text = whole.map((manifest) => stringify(manifest)).join("---\n");
    expect(find.selectNothing(whole)).toEqual([]);
    expect(find.selectNothing(planted(text, "targetPort: 9464", "targetPort: health"))).toHaveLength(1);
  });

  it("finds a policy that lets nothing out to pods", () => {
    const closed = policy.replace(/^\s+- namespaceSelector: \{\}\n/m, "");
    expect(find.closedToPods(parseManifests(policy))).toEqual([]);
    expect(closed).not.toBe(policy);
    expect(find.closedToPods(parseManifests(closed))).toEqual(["healthspan"]);
  });

  it("finds a policy for nobody, a Secret, and a ConfigMap that is too large", () => {
    expect(find.selectNothing(parseManifests(policy))).toHaveLength(1);
    const whole = [...readManifests(join(kubernetesFolder, "base"))];
    expect(find.selectNothing(whole)).toEqual([]);
    expect(find.selectNothing([...whole, ...planted(policy, "port: health", "port: web")])).toHaveLength(1);
    const named = { apiVersion: "v1", metadata: { name: "x" } };
    expect(find.carriesSecrets([{ ...named, kind: "Secret" }])).toHaveLength(1);
    expect(find.tooLarge([{ ...named, kind: "ConfigMap", data: { a: "x".repeat(2 ** 20) } }])).toHaveLength(1);
  });
});
