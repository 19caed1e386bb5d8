import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import * as find from "../kubernetes/findings.js";
import {
  isAgent,
  kubernetesFolder,
  kustomizations,
  type Manifest,
  parseManifests,
  type Workload,
  workloadsOf,
} from "../kubernetes/manifest.js";
import { requireServer, serverPath } from "../servers/available.js";
import { buildCommandLine, type CommandLine } from "../servers/command-line.js";

const execute = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const scratch = mkdtempSync(join(tmpdir(), "healthspan-kubernetes-"));
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly output: string;
}

const run = (program: string, ...words: readonly string[]): Promise<Ended> =>
  execute(program, words, { maxBuffer: 2 ** 26 })
    .then(({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }))
    .catch(({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
      code,
      output: stdout + stderr,
    }));

/** The kinds that come with an operator, whose schemas are not Kubernetes' own. */
const isCore = ({ apiVersion }: Manifest): boolean => !apiVersion.startsWith("monitoring.coreos.com/");

/** What Kustomize makes of a folder. @throws with its words when it makes nothing. */
async function build(folder: string): Promise<readonly Manifest[]> {
  const { stdout } = await execute(serverPath("kustomize"), ["build", folder], { maxBuffer: 2 ** 26 });
  return parseManifests(stdout);
}

const tools = ["kustomize", "kubernetes-validate", "promtool", "promtool3"] as const;
const areThere = tools.map((name) => requireServer(name)).every(Boolean);

describe.skipIf(!areThere)("deploy/kubernetes", () => {
  const built = new Map<string, readonly Manifest[]>();
  let healthspan: CommandLine;
  beforeAll(async () => {
    healthspan = await buildCommandLine();
    for (const folder of kustomizations) built.set(folder, await build(join(kubernetesFolder, folder)));
  });
  afterAll(() => healthspan?.remove());
  const manifestsOf = (folder: string): readonly Manifest[] => built.get(folder) ?? [];

  /** Holds manifests, by the name of their file, against the schemas of a version; a warning counts as a failure. */
  async function validate(files: Readonly<Record<string, readonly Manifest[]>>, kubernetes: string): Promise<Ended> {
    const place = mkdtempSync(join(scratch, "built-"));
    const paths = Object.entries(files).map(([name, manifests]) => {
      const path = join(place, `${name.replaceAll("/", "-")}.yaml`);
      writeFileSync(path, manifests.map((manifest) => stringify(manifest)).join("---\n"));
      return path;
    });
    const ended = await run(serverPath("kubernetes-validate"), "--strict", "-k", kubernetes, ...paths);
    const isClean = ended.code === 0 && !/\b(WARN|ERROR)/.test(ended.output);
    return isClean ? ended : { ...ended, code: Math.max(ended.code, 1) };
  }

  // Native sidecars are on by default since 1.29.
  it.each(["1.29", "1.37"])("is valid for Kubernetes %s, every kind that comes with it", async (kubernetes) => {
    const core = [...built].map(([folder, manifests]) => [folder, manifests.filter(isCore)] as const);
    const files = Object.fromEntries(core.filter(([, manifests]) => manifests.length > 0));
    expect(Object.keys(files).sort()).toEqual(kustomizations.filter((folder) => folder !== "scrape"));
    const { code, output } = await validate(files, kubernetes);
    expect([code, output.split("\n").filter((line) => !line.startsWith("INFO") && line !== "")]).toEqual([0, []]);
  });

  it.each([
    ["a field that does not exist", (spec: string) => spec.replace("automountServiceAccountToken", "automountToken")],
    ["a number that is a text", (spec: string) => spec.replace("replicas: 1", 'replicas: "1"')],
    ["a kind that nobody knows", (spec: string) => spec.replace("kind: Deployment", "kind: Deploiment")],
  ])("is refused with %s", async (_what, plant) => {
    const deployment = manifestsOf("base").find(({ kind }) => kind === "Deployment");
    const good = stringify(deployment);
    expect(plant(good)).not.toBe(good);
    expect((await validate({ bad: parseManifests(plant(good)) }, "1.37")).code).not.toBe(0);
    expect((await validate({ good: parseManifests(good) }, "1.37")).code).toBe(0);
  });

  it("is refused by Kustomize when a file is missing", async () => {
    const copy = join(scratch, "missing");
    cpSync(join(kubernetesFolder, "base"), copy, { recursive: true });
    rmSync(join(copy, "service.yaml"));
    await expect(build(copy)).rejects.toThrow(/service\.yaml/);
  });

  const finders: Readonly<Record<string, find.Finder>> = {
    hardened: find.hardened(["milvus"]),
    isolated: find.isolated,
    "of one version": find.oneTag(version),
    "probed where they listen": find.probedPorts,
    "open to pods": find.closedToPods,
    labelled: find.labelled,
    "selected by what names them": find.selectNothing,
    "as many as there are shards": find.shardedEvenly,
    "given the ConfigMaps that they mount": find.namesAbsentConfig,
    "without secrets of ours": find.carriesSecrets,
    "small enough": find.tooLarge,
  };

  it.each(kustomizations)("%s, as built, is whole", (folder) => {
    for (const [claim, finder] of Object.entries(finders)) expect(finder(manifestsOf(folder)), claim).toEqual([]);
  });

  describe.each(["promtool", "promtool3"] as const)("the PrometheusRule in %s", (promtool) => {
    const check = async (change: (text: string) => string): Promise<Ended> => {
      const rule = manifestsOf("monitoring").find(({ kind }) => kind === "PrometheusRule");
      const path = join(mkdtempSync(join(scratch, "rules-")), "rules.yml");
      writeFileSync(path, change(stringify(rule?.spec)));
      return run(serverPath(promtool), "check", "rules", path);
    };

    it("is valid", async () => {
      expect((await check((text) => text)).output).toMatch(/SUCCESS: \d\d rules found/);
    });

    it("is refused with an expression that is none", async () => {
      expect((await check((text) => text.replace("expr: vector(1)", "expr: vector(1"))).code).not.toBe(0);
    });
  });

  it("has every dashboard, as Grafana's own folder has it, in a ConfigMap that its sidecar finds", () => {
    const folder = join(root, "grafana/dashboards");
    const maps = manifestsOf("monitoring").filter(({ kind }) => kind === "ConfigMap");
    const held = Object.assign({}, ...maps.map(({ data }) => data)) as Readonly<Record<string, string>>;
    expect(Object.keys(held).sort()).toEqual(readdirSync(folder).sort());
    for (const [name, text] of Object.entries(held)) expect(text).toBe(readFileSync(join(folder, name), "utf8"));
    for (const { metadata } of maps) expect(metadata.labels?.grafana_dashboard).toBe("1");
  });

  const agents = (folder: string): readonly Workload[] =>
    workloadsOf(manifestsOf(folder)).filter(({ containers }) => containers.some(isAgent));
  const withAgents = ["base", "overlays/production", "overlays/shards", "sidecar", "milvus"];

  /** The container's files in a folder of their own, and how it is started there: what a pod of it has. */
  function unpack(folder: string, change: (config: string) => string = (text) => text) {
    const [workload] = agents(folder);
    const container = workload?.containers.find(isAgent);
    const place = mkdtempSync(join(scratch, "pod-"));
    const inside = (text: string): string =>
      text
        .replaceAll("/run/secrets/healthspan", join(place, "secrets"))
        .replaceAll("/etc/healthspan", join(place, "config"));
    const name = workload?.pod.volumes?.find(({ configMap }) => configMap)?.configMap?.name;
    const map = manifestsOf(folder).find(({ kind, metadata }) => kind === "ConfigMap" && metadata.name === name);
    mkdirSync(join(place, "config"));
    mkdirSync(join(place, "secrets"));
    const configs = Object.entries(map?.data ?? {});
    for (const [file, text] of configs) writeFileSync(join(place, "config", file), change(inside(text)));
    writeFileSync(join(place, "secrets/health_token"), "a-token");
    writeFileSync(join(place, "secrets/database_url"), "postgres://probe:secret@db:5432/shop");
    const variables = (container?.env ?? []).map(({ name: variable, value, valueFrom }) => {
      const isIndex = valueFrom?.fieldRef?.fieldPath?.endsWith("pod-index']");
      return [variable, value ?? (isIndex ? "2" : "of-the-pod")];
    });
    const env = { HEALTHSPAN_HOST: "127.0.0.1", HEALTHSPAN_TRUST_LOOPBACK: "false", ...Object.fromEntries(variables) };
    return { workload, container, configs, env, words: (container?.args ?? []).slice(1).map(inside), cwd: place };
  }

  it.each(withAgents)("gives the agent of %s a config that it takes", async (folder) => {
    const { words, env, cwd, configs, container, workload } = unpack(folder);
    expect(configs.length).toBe(words.filter((word) => word === "--config").length);
    expect(container?.args?.[0]).toBe("run");
    const { code, stderr } = await healthspan.run(["validate", ...words], { env, cwd });
    expect([stderr, code]).toEqual(["", 0]);
    const { stdout } = await healthspan.run(["validate", "--print", ...words], { env, cwd });
    const { server } = parse(stdout) as { server: { port: number; drainDelay: string; readiness: string } };
    expect(container?.ports).toEqual([{ name: "health", containerPort: server.port }]);
    // Enough for the drain, for what is under way (3 s) and for the last export (3 s).
    const drain = Number.parseFloat(server.drainDelay);
    expect(workload?.pod.terminationGracePeriodSeconds).toBeGreaterThan(drain + 6);
    const isSidecar = container?.restartPolicy === "Always";
    expect(server.readiness).toBe(isSidecar ? "dependencies" : "agent");
  });

  it("refuses a config with a mistake", async () => {
    const { words, env, cwd } = unpack("base", (text) => text.replace("kind: dns", "kind: dnss"));
    expect((await healthspan.run(["validate", ...words], { env, cwd })).code).not.toBe(0);
  });

  it("needs the Service's variables kept out: they would be taken for the agent's own port", async () => {
    const { words, env, cwd } = unpack("base");
    const linked = { ...env, HEALTHSPAN_PORT: "tcp://10.0.0.1:9464" };
    const { code, stderr } = await healthspan.run(["validate", ...words], { env: linked, cwd });
    expect(code).not.toBe(0);
    expect(stderr).toContain("HEALTHSPAN_PORT");
  });

  it("serves the probes that the kubelet asks, where it asks them, and says its place among the shards", async () => {
    const paths = new Set(
      withAgents.flatMap((folder) =>
        agents(folder).flatMap(({ containers }) =>
          containers
            .filter(isAgent)
            .flatMap((each) =>
              [each.startupProbe, each.livenessProbe, each.readinessProbe].map((probe) => probe?.httpGet?.path ?? ""),
            ),
        ),
      ),
    );
    expect([...paths].sort()).toEqual(["/livez", "/readyz"]);
    const { words, env, cwd } = unpack("overlays/shards", (text) => text.replace(/^checks:[\s\S]*/m, "checks: []\n"));
    const agent = healthspan.start(["run", ...words], { env: { ...env, HEALTHSPAN_PORT: "0" }, cwd });
    try {
      const [, url] = await agent.says(/listens on (http:\/\/[\d.:]+)/);
      const answers = async () =>
        Promise.all([...paths, "/metrics"].map(async (path) => `${path} ${(await fetch(`${url}${path}`)).status}`));
      await expect.poll(answers, { timeout: 20_000 }).toEqual([...paths, "/metrics"].map((path) => `${path} 200`));
      expect((await fetch(`${url}/redyz`)).status).toBe(404);
      const metrics = await (await fetch(`${url}/metrics`)).text();
      expect(metrics).toContain('health_agent_shards{health_shard_index="2"} 6\n');
    } finally {
      agent.process.kill("SIGKILL");
      await agent.ended;
    }
  });

  it("shares the checks of a config among the pods, each said at start, while its rules are about all", async () => {
    const many = Array.from({ length: 60 }, (_, index) => `  - { name: c${index}, kind: tcp, address: "x:1" }`);
    const { words, env, cwd } = unpack("overlays/shards", (text) =>
      text.replace(/^checks:[\s\S]*/m, `checks:\n${many.join("\n")}\n`),
    );
    const names: string[] = [];
    for (let index = 0; index < Number(env.HEALTHSPAN_SHARD_OF); index += 1) {
      const own = { ...env, HEALTHSPAN_SHARD_INDEX: String(index) };
      const { stdout } = await healthspan.run(["validate", "--print", ...words], { env: own, cwd });
      const { checks } = parse(stdout) as { checks: readonly { name: string }[] };
      expect(stdout).toContain(`# shard ${index} of 6 (counted from 0) runs ${checks.length} of 60 checks`);
      names.push(...checks.map(({ name }) => name));
    }
    expect(names).toHaveLength(60);
    expect(new Set(names).size).toBe(60);
    const { stdout } = await healthspan.run(["rules", ...words], { env, cwd });
    for (const name of ["c0", "c31", "c59"]) expect(stdout).toContain(`"${name}"`);
  });
});
