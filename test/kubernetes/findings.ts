import {
  type Container,
  isAgent,
  isSelected,
  type Manifest,
  type Probe,
  type Workload,
  workloadsOf,
} from "./manifest.js";

/** What is wrong with manifests, one line for each; empty where nothing is. */
export type Finder = (manifests: readonly Manifest[]) => readonly string[];

const failing = (claims: Readonly<Record<string, boolean>>): readonly string[] =>
  Object.entries(claims).flatMap(([what, holds]) => (holds ? [] : [what]));

const ofContainers =
  (find: (container: Container, workload: Workload) => readonly string[]): Finder =>
  (manifests) =>
    workloadsOf(manifests).flatMap((workload) =>
      workload.containers.flatMap((container) =>
        find(container, workload).map((what) => `${workload.name}/${container.name}: ${what}`),
      ),
    );

const ofWorkloads =
  (find: (workload: Workload) => readonly string[]): Finder =>
  (manifests) =>
    workloadsOf(manifests).flatMap((workload) => find(workload).map((what) => `${workload.name}: ${what}`));

const probesOf = ({ startupProbe, livenessProbe, readinessProbe }: Container): readonly Probe[] =>
  [startupProbe, livenessProbe, readinessProbe].filter((probe) => probe !== undefined);

/** Containers of other makers whose programs write beside themselves. */
export const hardened = (writableRoot: readonly string[]): Finder =>
  ofContainers(({ name, securityContext: own = {} }, { pod: { securityContext: pod = {} } }) =>
    failing({
      runAsNonRoot: pod.runAsNonRoot === true && own.runAsNonRoot !== false,
      "runAsUser other than 0": Number(own.runAsUser ?? pod.runAsUser) > 0,
      "no privilege escalation": own.allowPrivilegeEscalation === false && own.privileged !== true,
      readOnlyRootFilesystem: own.readOnlyRootFilesystem === true || writableRoot.includes(name),
      "drop ALL": JSON.stringify(own.capabilities) === '{"drop":["ALL"]}',
      "seccomp RuntimeDefault":
        JSON.stringify(own.seccompProfile ?? pod.seccompProfile) === '{"type":"RuntimeDefault"}',
    }),
  );

/** Of the node nothing is shared, no token of the API is there, and no Service writes into the environment. */
export const isolated: Finder = ofWorkloads(({ pod }) =>
  failing({
    "automountServiceAccountToken: false": pod.automountServiceAccountToken === false,
    "enableServiceLinks: false": pod.enableServiceLinks === false,
    "no host namespaces": !/"host(Network|PID|IPC|Path)"/.test(JSON.stringify(pod)),
  }),
);

export const limited: Finder = ofContainers(({ resources }) =>
  failing({
    "requests of cpu and memory": resources?.requests?.cpu !== undefined && resources.requests.memory !== undefined,
    "a limit of memory": resources?.limits?.memory !== undefined,
  }),
);

/** A tag that says a whole version. */
export const pinned: Finder = ofContainers(({ image }) =>
  /:(v?\d+\.\d+\.\d+|RELEASE\.\d{4}-\d\d-\d\dT)[\w.-]*$/.test(image) ? [] : [image],
);

export const oneTag = (version: string): Finder =>
  ofContainers((container) => {
    const { image } = container;
    return isAgent(container) && !image.endsWith(`:${version}`) ? [`${image}, not ${version}`] : [];
  });

/** An agent is asked for its start, its life and its readiness; a restart never depends on what is checked. */
export const probed: Finder = ofContainers((container) => {
  const { startupProbe, livenessProbe, readinessProbe } = container;
  const paths = [startupProbe, livenessProbe, readinessProbe].map((probe) => probe?.httpGet?.path);
  if (!isAgent(container)) {
    return failing({
      livenessProbe: livenessProbe !== undefined,
      "restarts on its own account only": ![startupProbe, livenessProbe].some(asksForDependencies),
    });
  }
  const [start = "", live = "", ready = ""] = paths;
  return failing({
    // By /startupz a check that hangs for longer than the probe has patience would restart the agent over and over.
    "startupProbe on /livez": start === "/livez",
    "livenessProbe on /livez": live === "/livez",
    "readinessProbe on /readyz": ready === "/readyz",
  });
});

const asksForDependencies = (probe: Probe | undefined): boolean =>
  [9464, "health"].includes(probe?.httpGet?.port ?? "") &&
  /^\/(ready|readyz|health)(\/|\?|$)/.test(probe?.httpGet?.path ?? "");

/** The kubelet looks a named port up in the probed container. */
export const probedPorts: Finder = ofContainers((container) => {
  const ports = new Set((container.ports ?? []).flatMap(({ name, containerPort }) => [name, containerPort]));
  return probesOf(container)
    .map((probe) => probe.httpGet?.port ?? probe.tcpSocket?.port ?? "no port")
    .filter((port) => !ports.has(port))
    .map((port) => `probes ${port}`);
});

/** A longer wait than the gap between two probes would make their number mean something else. */
export const timedProbes: Finder = ofContainers((container) =>
  probesOf(container).flatMap(({ periodSeconds = 10, timeoutSeconds = 1, failureThreshold }) =>
    failing({
      "a timeout above its period": timeoutSeconds <= periodSeconds,
      "a threshold left to the default": failureThreshold !== undefined,
    }),
  ),
);

export const labelled: Finder = (manifests) =>
  manifests
    .filter(({ kind, metadata }) => kind !== "ConfigMap" && !metadata.labels?.["app.kubernetes.io/name"])
    .map(({ kind, metadata }) => `${kind} ${metadata.name}`);

/** What selects something that is not there. */
export const selectNothing: Finder = (manifests) => {
  const workloads = workloadsOf(manifests);
  const own = workloads
    .filter(({ selector, labels }) => !isSelected(selector, labels))
    .map(({ name }) => `${name} does not select its own pods`);
  const others = manifests.flatMap(({ kind, metadata: { name }, spec }) => {
    if (!["Service", "NetworkPolicy", "PodDisruptionBudget"].includes(kind)) return [];
    const selector = kind === "Service" ? spec.selector : (spec.podSelector ?? spec.selector).matchLabels;
    const chosen = workloads.filter(({ labels }) => isSelected(selector, labels));
    if (chosen.length === 0) return [`${kind} ${name} selects nothing`];
    const asked: readonly unknown[] =
      kind === "Service"
        ? spec.ports.map(({ targetPort }: { targetPort: unknown }) => targetPort)
        : (spec.ingress ?? []).flatMap(({ ports = [] }) => ports.map(({ port }: { port: unknown }) => port));
    const open = new Set<unknown>(chosen.flatMap(({ containers }) => containers.flatMap(portsOfService)));
    return asked.filter((port) => !open.has(port)).map((port) => `${kind} ${name} names a port ${port}`);
  });
  return [...own, ...others];
};

/** A sidecar's ports have names for Services and policies only since Kubernetes 1.32 (kubernetes/kubernetes#127958). */
const portsOfService = ({ ports = [], restartPolicy }: Container): readonly unknown[] =>
  ports.flatMap(({ name, containerPort }) => (restartPolicy ? [containerPort] : [name, containerPort]));

/** Some network plugins take an `ipBlock` for what is outside the cluster only (cilium/cilium#9209). */
export const closedToPods: Finder = (manifests) =>
  manifests
    .filter(({ kind }) => kind === "NetworkPolicy")
    .filter(({ spec }) => {
      const peers: readonly object[] = (spec.egress ?? []).flatMap(({ to = [] }: { to?: readonly object[] }) => to);
      return peers.some((peer) => "ipBlock" in peer) && !peers.some((peer) => "namespaceSelector" in peer);
    })
    .map(({ metadata }) => metadata.name);

/** As many shards as there are pods to run them. */
export const shardedEvenly: Finder = (manifests) =>
  workloadsOf(manifests).flatMap(({ name, replicas, containers }) =>
    containers.flatMap(({ env = [] }) => {
      const of = env.find((variable) => variable.name === "HEALTHSPAN_SHARD_OF")?.value;
      const index = env.find((variable) => variable.name === "HEALTHSPAN_SHARD_INDEX")?.valueFrom?.fieldRef?.fieldPath;
      if (of === undefined && index === undefined) return [];
      return failing({
        [`${name}: ${of} shards, ${replicas} pods`]: Number(of) === replicas,
        [`${name}: ${index} is no pod's number`]: index === "metadata.labels['apps.kubernetes.io/pod-index']",
      });
    }),
  );

export const mounted: Finder = ofWorkloads(({ pod: { volumes = [] }, containers, claims }) => {
  const there = new Set([...volumes.map(({ name }) => name), ...claims]);
  return containers.flatMap(({ volumeMounts = [] }) =>
    volumeMounts.flatMap(({ name, subPath }) =>
      failing({
        [`mounts ${name}`]: there.has(name),
        [`mounts ${name} by subPath, which never changes`]: subPath === undefined,
      }),
    ),
  );
});

/** What only Kustomize makes; so this is asked of what it has built. */
export const namesAbsentConfig: Finder = (manifests) => {
  const made = new Set(manifests.filter(({ kind }) => kind === "ConfigMap").map(({ metadata }) => metadata.name));
  return workloadsOf(manifests).flatMap(({ name, pod: { volumes = [] } }) =>
    volumes.flatMap(({ configMap }) => (configMap && !made.has(configMap.name) ? [`${name}: ${configMap.name}`] : [])),
  );
};

/** A password belongs in a Secret that nobody keeps in a repository. */
export const carriesSecrets: Finder = (manifests) => [
  ...manifests.filter(({ kind }) => kind === "Secret").map(({ metadata }) => `Secret ${metadata.name}`),
  ...workloadsOf(manifests).flatMap(({ name, containers }) =>
    containers.flatMap(({ env = [] }) =>
      env
        .filter((variable) => /PASSWORD|TOKEN|SECRET|ACCESS_KEY|ROOT_USER/.test(variable.name))
        .filter(({ value }) => value !== undefined)
        .map((variable) => `${name}: ${variable.name}`),
    ),
  ),
];

/** Above it the API server refuses a ConfigMap; some is left for its other fields. */
const maxConfigMapBytes = 1_000_000;

export const tooLarge: Finder = (manifests) =>
  manifests
    .filter(({ kind, data }) => kind === "ConfigMap" && Buffer.byteLength(JSON.stringify(data)) > maxConfigMapBytes)
    .map(({ metadata }) => metadata.name);

export interface Times {
  readonly path: string | undefined;
  readonly delay: number;
  readonly period: number | undefined;
  readonly timeout: number | undefined;
  readonly failures: number | undefined;
}

/** The numbers of a probe, defaults of Kubernetes not put in. */
export function timesOf(probe: Probe | undefined): Times {
  return {
    path: probe?.httpGet?.path,
    delay: probe?.initialDelaySeconds ?? 0,
    period: probe?.periodSeconds,
    timeout: probe?.timeoutSeconds,
    failures: probe?.failureThreshold,
  };
}
