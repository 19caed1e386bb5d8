import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";

export const kubernetesFolder = join(import.meta.dirname, "../../deploy/kubernetes");

/** Folders that `kubectl apply -k` takes. */
export const kustomizations: readonly string[] = readdirSync(kubernetesFolder, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith("kustomization.yaml"))
  .map((path) => path.replace(/\/kustomization\.yaml$/, ""))
  .sort();

type Labels = Readonly<Record<string, string>>;

export interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string | number };
  readonly tcpSocket?: { readonly port: string | number };
  readonly periodSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly initialDelaySeconds?: number;
  readonly failureThreshold?: number;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly restartPolicy?: string;
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly resources?: Readonly<Record<"requests" | "limits", Readonly<Record<string, string>>>>;
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly subPath?: string }[];
}

export interface PodSpec {
  readonly hostname?: string;
  readonly topologySpreadConstraints?: unknown;
  readonly automountServiceAccountToken?: boolean;
  readonly enableServiceLinks?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes?: readonly {
    readonly name: string;
    readonly configMap?: { readonly name: string };
    readonly secret?: { readonly secretName: string };
  }[];
}

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Labels };
  // biome-ignore lint/suspicious/noExplicitAny: each kind has its own, and Kubernetes' schemas are held against it elsewhere.
  readonly spec?: any;
  readonly data?: Readonly<Record<string, string>>;
}

export interface Workload {
  readonly name: string;
  readonly labels: Labels;
  readonly selector: Labels;
  readonly replicas: number;
  readonly pod: PodSpec;
  readonly containers: readonly Container[];
  readonly claims: readonly string[];
}

/** @throws for YAML that is none. */
export function parseManifests(text: string): readonly Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    const value: unknown = document.toJS();
    return value === null ? [] : [value as Manifest];
  });
}

/** Those of the files in one folder that say what they are, as they are written: nothing is built or patched. */
export function readManifests(folder: string): readonly Manifest[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".yaml"))
    .flatMap((name) => parseManifests(readFileSync(join(folder, name), "utf8")))
    .filter(({ kind }) => kind !== undefined && kind !== "Kustomization");
}

export function workloadsOf(manifests: readonly Manifest[]): readonly Workload[] {
  return manifests
    .filter(({ kind }) => kind === "Deployment" || kind === "StatefulSet")
    .map(({ metadata, spec }) => ({
      name: metadata.name,
      labels: spec.template.metadata.labels,
      selector: spec.selector.matchLabels,
      replicas: spec.replicas,
      pod: spec.template.spec,
      containers: [...(spec.template.spec.initContainers ?? []), ...spec.template.spec.containers],
      claims: (spec.volumeClaimTemplates ?? []).map((claim: Manifest) => claim.metadata.name),
    }));
}

export const isAgent = ({ image }: Container): boolean => /(^|\/)healthspan:/.test(image);

export const isSelected = (selector: Labels, labels: Labels): boolean =>
  Object.entries(selector).every(([key, value]) => labels[key] === value);
