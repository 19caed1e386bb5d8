import type { z } from "zod";
import {
  type BoundKind,
  type Check,
  CheckFailure,
  type CheckKind,
  type CheckRun,
  cleanText,
  type FactTable,
  type FactValue,
  type Outcome,
  type Reason,
} from "../check.js";
import { attr } from "../semconv.js";
import { abortable } from "../wire/abortable.js";
import { parseAddress } from "../wire/address.js";
import { lateModule } from "../wire/late-module.js";
import type { AskMilvus, CollectionResult } from "../wire/milvus-collections.js";
import { type MilvusCollection, type MilvusOptions, milvusOptions, optionsOfUrl } from "../wire/milvus-options.js";
import type { MilvusSession, MilvusTarget } from "../wire/milvus-session.js";
import { errorCode, reasonOfCode, withFacts } from "../wire/network-failure.js";

const facts: FactTable = {
  version: { type: "string", description: "Version of the server." },
  collections_count: {
    type: "number",
    description: "Collections in the database.",
    metric: { name: "health.milvus.collections", unit: "{collection}" },
  },
  collections: {
    type: "list",
    description:
      "Collections looked at: `name`; `loaded`; `num_entities`, counted where loaded, of flushed data otherwise; " +
      "`error`, why it cannot be used (`not_found` and the like). What there is not is null.",
    items: {
      key: "name",
      metrics: {
        loaded: {
          name: "health.milvus.collection.loaded",
          unit: "",
          description: "The collection is loaded: 1, otherwise 0.",
        },
        num_entities: {
          name: "health.milvus.collection.entities",
          unit: "{entity}",
          description: "Entities in the collection.",
        },
      },
    },
  },
  hits: {
    type: "number",
    description: "Neighbours that the `search` found; of several searches, the fewest.",
    metric: { name: "health.milvus.search.hits", unit: "{hit}" },
  },
};

export const milvusKind: CheckKind<MilvusOptions> = {
  kind: "milvus",
  summary: "The server calls itself healthy, denies neither reads nor writes, and its collections are as asked for.",
  options: milvusOptions,
  facts,
  defaults: { intervalMs: 30_000, timeoutMs: 5_000 },
  create: (given) => new MilvusCheck(given),
  discover: (environment) =>
    environment.MILVUS_ADDRESS
      ? {
          name: "milvus",
          critical: true,
          options: { address: "${env:MILVUS_ADDRESS}" },
          because: "MILVUS_ADDRESS is set",
        }
      : undefined,
  local: { port: 19_530, name: "milvus", critical: true, options: { address: "127.0.0.1:19530" } },
  urlExample: "milvus://vectors:19530",
  fromUrl: optionsOfUrl,
};

export type MilvusInput = z.input<typeof milvusOptions>;

/** A Milvus server is asked, for `register`. */
export function milvus(options: MilvusInput): BoundKind {
  return { kind: milvusKind, options };
}

const loadSession = lateModule(() => import("../wire/milvus-session.js"));
const loadCollections = lateModule(() => import("../wire/milvus-collections.js"));

class MilvusCheck implements Check {
  // Private by the language, so that no JSON, log or dump of a check shows a secret.
  readonly #target: MilvusTarget;
  readonly #collections: MilvusOptions["collections"];
  readonly #attributes;
  #session: MilvusSession | undefined;
  #stop: AbortController | undefined;
  #isClosed = false;

  constructor({ collections, address, ...given }: MilvusOptions) {
    const socket = parseAddress(address);
    if (!socket) throw new TypeError(`no address: ${address}`);
    this.#target = { ...given, address, socket };
    this.#collections = collections;
    this.#attributes = {
      [attr.dbSystemName]: "milvus",
      [attr.dbNamespace]: given.database,
      [attr.serverAddress]: socket.host,
      [attr.serverPort]: socket.port,
    };
  }

  async run(run: CheckRun): Promise<Outcome> {
    if (this.#isClosed) throw closedFailure();
    const stop = new AbortController();
    const abort = () => stop.abort(run.signal.reason);
    run.signal.addEventListener("abort", abort, { once: true });
    if (run.signal.aborted) abort();
    this.#stop = stop;
    try {
      const { timeoutMs, trace } = run;
      return await abortable(this.#examine({ signal: stop.signal, timeoutMs, trace }), stop.signal);
    } finally {
      run.signal.removeEventListener("abort", abort);
      this.#session?.disconnect();
      this.#stop = undefined;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stop?.abort(closedFailure());
  }

  async #examine(run: CheckRun): Promise<Outcome> {
    run.signal.throwIfAborted();
    const { MilvusSession } = await loadSession();
    // Called off while it was loaded: whoever waited is gone, and so is the trace.
    run.signal.throwIfAborted();
    this.#session ??= new MilvusSession(this.#target);
    const session = this.#session;
    let isConnected = false;
    const ask: AskMilvus = (operation, collection, call) => {
      const attributes = {
        ...this.#attributes,
        [attr.dbOperationName]: operation,
        [attr.dbCollectionName]: collection && cleanText(collection),
      };
      return run.trace.client(operation, attributes, async (span) => {
        try {
          if (!isConnected) await session.connect(span, run);
          isConnected = true;
          return await session.ask(operation, call);
        } catch (error) {
          span.set({ [attr.dbResponseStatusCode]: statusCode(error) });
          throw error;
        }
      });
    };
    return judge(ask, this.#collections);
  }
}

function closedFailure(): CheckFailure {
  return new CheckFailure("unavailable", "the check was closed");
}

/** The server's own code behind a failure, not the network's. */
function statusCode(error: unknown): string | undefined {
  const code = error instanceof CheckFailure ? errorCode(error) : undefined;
  return reasonOfCode(code) === undefined ? code : undefined;
}

/** Asks one thing after the other, the cheap ones first; what is known when something fails goes along as facts. */
async function judge(ask: AskMilvus, collections: MilvusOptions["collections"]): Promise<Outcome> {
  const known: Record<string, FactValue> = {};
  try {
    const { version } = await ask("GetVersion", undefined, (client) => client.getVersion());
    if (version) known.version = cleanText(version);
    const limited = await expectHealth(ask);
    const { data } = await ask("ShowCollections", undefined, (client) => client.showCollections());
    known.collections_count = data.length;
    const names = data.map(({ name }) => name);
    const lacking = await lookAt(ask, collections, names, known);
    const weakness = limited ?? lacking;
    return weakness ? { status: "degraded", ...weakness, facts: known } : { status: "healthy", facts: known };
  } catch (error) {
    throw error instanceof CheckFailure ? withFacts(error, known) : error;
  }
}

interface Weakness {
  readonly reason: Reason;
  readonly message: string;
}

/** Healthy is not enough: a quota may deny everything. The `reasons` it gives are stack traces and go nowhere. */
async function expectHealth(ask: AskMilvus): Promise<Weakness | undefined> {
  const health = await ask("CheckHealth", undefined, (client) => client.checkHealth());
  if (health.isHealthy !== true) throw new CheckFailure("unavailable", "the server calls itself unhealthy");
  // The SDK's type of the answer does not name them.
  const { quota_states: states = [] } = health as { readonly quota_states?: readonly string[] };
  if (states.includes("DenyToRead")) throw new CheckFailure("overloaded", "a quota of the server denies reads");
  if (states.includes("DenyToWrite")) return { reason: "overloaded", message: "a quota of the server denies writes" };
  return states.length > 0 ? { reason: "overloaded", message: "a quota of the server limits requests" } : undefined;
}

async function lookAt(
  ask: AskMilvus,
  wanted: MilvusOptions["collections"],
  names: readonly string[],
  known: Record<string, FactValue>,
): Promise<Weakness | undefined> {
  if (wanted === undefined) return undefined;
  const { readCollections } = await loadCollections();
  const results = await readCollections(ask, wanted === "all" ? firstByName(names) : wanted);
  known.collections = results.map(({ row }) => row);
  const hits = results.flatMap((result) => result.hits ?? []);
  if (hits.length > 0) known.hits = Math.min(...hits);
  return wanted === "all" ? weaknessOfAll(results) : weaknessOfNamed(results);
}

const firstByName = (names: readonly string[]): readonly MilvusCollection[] =>
  [...names].sort().map((name) => ({ name }));

/** Nobody asked for any of them: what is wrong with some is worth knowing, and no reason to call Milvus down. */
function weaknessOfAll(results: readonly CollectionResult[]): Weakness | undefined {
  const failures = results.flatMap(({ failure }) => failure ?? []);
  const [first] = failures;
  return first && { reason: first.reason, message: `${failures.length} of ${results.length} collections in error` };
}

/** Each was asked for: the first that is not as it should be fails the run. One that is loading gets there by itself. */
function weaknessOfNamed(results: readonly CollectionResult[]): Weakness | undefined {
  const failed = results.find(({ failure, isLoading }) => failure && !isLoading);
  if (failed?.failure) throw failed.failure;
  const loading = results.find(({ isLoading }) => isLoading)?.failure;
  return loading && { reason: loading.reason, message: loading.message };
}
