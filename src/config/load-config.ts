import { hostname as localHostname } from "node:os";
import { type CheckKind, secretsOf } from "../check.js";
import { kinds as allKinds } from "../kinds/index.js";
import type { AgentConfig, ConfiguredCheck, ServerConfig } from "./agent-config.js";
import { type ReadCheck, readChecks, toPolicyOptions, unreadKeys } from "./check-section.js";
import { discreet } from "./discreet.js";
import { type Disk, localDisk } from "./disk.js";
import type { Watched } from "./fingerprint.js";
import { freezeDeep, hashOf } from "./hash.js";
import { interpolate } from "./interpolate.js";
import { inputSchema } from "./json-schema-view.js";
import { maskSecrets } from "./mask.js";
import { emptyMap, type ListNode, type MapNode, nodeOf, type ScalarNode } from "./node.js";
import { type FileOptions, fileOptions } from "./options.js";
import { collectOrigins, originOfNode } from "./origins.js";
import { type OtelEnvironment, readOtelEnvironment } from "./otel-environment.js";
import { overlay } from "./overlay.js";
import { printableCheck, printableConfig, printableServer, printableTelemetry } from "./print.js";
import { type ConfigProblem, sortProblems } from "./problem.js";
import { resolveService } from "./resolve-service.js";
import { resolveTelemetry } from "./resolve-telemetry.js";
import { readSections } from "./sections.js";
import { byVariable, readSettingVariables } from "./setting-variables.js";
import { describeShard, isOnShard } from "./shard.js";
import { type Environment, readSources } from "./sources.js";

export interface LoadOptions {
  /** What `--config` named, files or directories; a later one overlays an earlier. */
  readonly files?: readonly string[];
  readonly env?: Environment;
  readonly cwd?: string;
  readonly disk?: Disk;
  readonly hostname?: string;
  readonly kinds?: readonly CheckKind[];
  /** Flags that consent to kinds which need it: `--allow-exec`. */
  readonly consents?: readonly string[];
  /** The config of no-file mode, as a file would say it: used when there is no file at all. */
  readonly withoutFiles?: () => Readonly<Record<string, unknown>>;
  /** Takes the checks of all shards, whatever `shard` says. */
  readonly acrossShards?: boolean;
  /** Whose words `withoutFiles` brings, for origins and errors. Default `environment`. */
  readonly standInFor?: string;
}

export type LoadResult =
  | { readonly ok: true; readonly config: AgentConfig; readonly watched: readonly Watched[] }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[]; readonly watched: readonly Watched[] };

/** Reads, merges and validates a config. Never throws for what is in it: every problem comes back, sorted by place. */
export function loadConfig(options: LoadOptions = {}): LoadResult {
  const { env = process.env, cwd = process.cwd(), disk = localDisk, kinds = allKinds } = options;
  const read = readSources({ files: options.files, env, cwd, disk });
  const otel = readOtelEnvironment(env, disk);
  const watched = [...read.watched, ...otel.files];
  if (read.isIncomplete) return { ok: false, problems: sortProblems(read.problems), watched };
  const file = read.sources.length > 0 ? read.root : standIn(options, env);
  const root = overlay(readSettingVariables(env), file);
  const sections = readSections(root, kinds);
  const kindsByName = new Map(kinds.map((kind) => [kind.kind, kind]));
  const defaults = {
    policy: toPolicyOptions(sections.value?.defaults ?? {}),
    unread: unreadKeys([...read.problems, ...sections.problems], ["defaults"]),
  };
  const checks = readChecks(checksOf(root), defaults, { kinds: kindsByName, consents: new Set(options.consents) });
  const problems = [...read.problems, ...sections.problems.map(byVariable), ...checks.problems];
  if (problems.length > 0 || !sections.value) return { ok: false, problems: sortProblems(problems), watched };
  const { shard: said, ...whole } = sections.value;
  const shared = said === undefined || options.acrossShards ? whole : { ...whole, shard: said };
  const parts = { root, options: shared, checks: checks.checks, otel, sources: read.sources };
  return { ok: true, config: assemble(parts, options.hostname ?? localHostname()), watched };
}

function standIn({ withoutFiles, standInFor = "environment" }: LoadOptions, environment: Environment): MapNode {
  const place = { file: standInFor, line: 0, column: 0 };
  const readText = (): never => {
    throw new Error("no file is read without a config file");
  };
  const replace = (scalar: ScalarNode): ScalarNode => {
    if (typeof scalar.value !== "string") return scalar;
    const { text, references } = interpolate(scalar.value, { environment, readText });
    return { ...scalar, value: text, text, references };
  };
  const node = withoutFiles ? nodeOf(withoutFiles(), place, replace) : emptyMap(place);
  return node.type === "map" ? node : emptyMap(place);
}

function checksOf(root: MapNode): ListNode {
  const node = root.entries.get("checks")?.value;
  return node?.type === "list" ? node : { type: "list", place: root.place, items: [] };
}

interface Parts {
  readonly root: MapNode;
  readonly options: FileOptions;
  readonly checks: readonly ReadCheck[];
  readonly otel: OtelEnvironment;
  readonly sources: readonly string[];
}

function assemble(parts: Parts, hostname: string): AgentConfig {
  const { root, options, otel, sources } = parts;
  const { shard } = options;
  const allChecks = parts.checks.filter(({ isEnabled }) => isEnabled).map(({ check }) => check);
  const checks = allChecks.filter(({ policy }) => isOnShard(policy.name, shard));
  const server = toServer(options.server);
  const { service, resource, origins: serviceOrigins } = resolveService(options, otel, `${hostname}:${server.port}`);
  const resolved = resolveTelemetry(
    [
      { layer: options.telemetry, originOf: (path) => originOfNode(root, path) },
      { layer: otel.telemetry, originOf: (path) => otel.origins.get(path) },
    ],
    resource,
  );
  const secrets = new Set([
    ...secretsOf({ options: fileOptions }, options),
    ...resolved.secrets,
    ...checks.flatMap(({ kind, options: own }) => secretsOf(kind, own)),
  ]);
  const origins = new Map([...serviceOrigins, ...collectOrigins(root, parts.checks), ...resolved.origins]);
  const notices = [...resolved.notices, ...noticesOfChecks(shard, checks, allChecks)];
  const { telemetry } = resolved;
  const effective = {
    service,
    server: discreet(server, () => printableServer(server)),
    telemetry: discreet({ ...telemetry }, () => printableTelemetry(telemetry)),
    concurrency: options.concurrency,
    ...(shard && { shard }),
  };
  const config = {
    ...freezeDeep(effective),
    checks: Object.freeze(checks.map(freezeCheck)),
    checksOfAllShards: allChecks.length,
    secrets: Object.freeze(discreet([...secrets], () => `${secrets.size} secrets`)),
    hash: publicHash(effective, allChecks),
    sources: Object.freeze(sources),
    origins,
    notices: Object.freeze(notices),
    warnings: Object.freeze([...otel.warnings, ...resolved.warnings]),
  };
  return Object.freeze(discreet(config, () => printableConfig(config)));
}

function noticesOfChecks(
  shard: AgentConfig["shard"],
  { length: own }: readonly ConfiguredCheck[],
  { length: all }: readonly ConfiguredCheck[],
): readonly string[] {
  const noChecks = all === 0 ? ["no checks are configured: the service counts as healthy"] : [];
  return shard ? [describeShard(shard, own, all), ...noChecks] : noChecks;
}

/** The kind is shared code, not config: it stays as it is. */
function freezeCheck(check: ReadCheck["check"]): ReadCheck["check"] {
  freezeDeep(check.policy);
  freezeDeep(check.options);
  return Object.freeze(discreet(check, () => printableCheck(check)));
}

function toServer({ token, metricsToken, traceUrl, drainDelay, ...rest }: FileOptions["server"]): ServerConfig {
  return {
    ...rest,
    drainDelayMs: drainDelay,
    ...(token !== undefined && { token }),
    ...(metricsToken !== undefined && { metricsToken }),
    ...(traceUrl !== undefined && { traceUrl }),
  };
}

/**
 * Published, so that a fleet can be seen to run one config: without secrets, or a weak one could be guessed from it,
 * and without what differs from host to host or from shard to shard.
 */
function publicHash(
  effective: Pick<AgentConfig, "service" | "server" | "shard">,
  checks: readonly ConfiguredCheck[],
): string {
  const { instance: _instance, ...service } = effective.service;
  const { token: _token, metricsToken: _metricsToken, ...server } = effective.server;
  const described = checks.map(({ policy, kind, options }) => [
    policy,
    maskSecrets(options, inputSchema(kind.options)),
  ]);
  return hashOf([service, server, described, effective.shard?.of]);
}
