import { cleanText, type Facts, type FactValue } from "../check.js";
import { infoNumber, type RedisInfo } from "./redis-info.js";

/** The facts that an INFO holds; those it does not hold are absent. */
export function factsOf(info: RedisInfo): Facts {
  const text = (field: string): string | undefined => {
    const value = info.get(field);
    return value === undefined ? undefined : cleanText(value);
  };
  const usedBytes = infoNumber(info, "used_memory");
  const limitBytes = infoNumber(info, "maxmemory") ?? 0;
  const link = info.get("master_link_status");
  const loading = info.get("loading");
  return present({
    redis_version: text("valkey_version") ?? text("redis_version"),
    role: text("role"),
    connected_clients: infoNumber(info, "connected_clients"),
    used_memory_human: text("used_memory_human"),
    used_memory_bytes: usedBytes,
    used_memory_percent: usedBytes === undefined || limitBytes <= 0 ? undefined : percent(usedBytes / limitBytes),
    replication_link_up: link === undefined ? undefined : link === "up",
    loading: loading === undefined ? undefined : loading !== "0",
  });
}

function percent(share: number): number {
  return Math.round(share * 10_000) / 100;
}

function present(values: Readonly<Record<string, FactValue | undefined>>): Facts {
  const known: Record<string, FactValue> = {};
  for (const [name, value] of Object.entries(values)) if (value !== undefined) known[name] = value;
  return known;
}

/** Writes refused for want of memory (`errorstat_OOM`, Redis 6.2 and later) since the last look at the same process. */
export class RefusedWrites {
  #runId: string | undefined;
  #count = 0;

  /** How many since the last call; 0 when this is the first look at the process. */
  since(info: RedisInfo): number {
    const runId = info.get("run_id");
    const count = Number(/count=(\d+)/.exec(info.get("errorstat_OOM") ?? "")?.[1] ?? 0);
    const added = runId === this.#runId ? Math.max(0, count - this.#count) : 0;
    this.#runId = runId;
    this.#count = count;
    return added;
  }
}

/** After a refused write the buffers of its client are freed, so that a full server is a little below its limit. */
const maxSlackBytes = 1024 * 1024;
const maxSlackShare = 0.01;

/**
 * True when memory is at its limit and nothing may be evicted. Never of a replica, which takes what its master sends,
 * whatever its own limit says (`replica-ignore-maxmemory`).
 */
export function isFull(info: RedisInfo): boolean {
  const limit = infoNumber(info, "maxmemory") ?? 0;
  if (limit <= 0 || info.get("maxmemory_policy") !== "noeviction" || info.get("role") === "slave") return false;
  const counted = (infoNumber(info, "used_memory") ?? 0) - (infoNumber(info, "mem_not_counted_for_evict") ?? 0);
  return counted >= limit - Math.min(maxSlackBytes, limit * maxSlackShare);
}

export const slotCount = 16_384;

/** A cluster that need not cover all slots stays `ok` without them (`cluster-require-full-coverage no`). */
export function slotsWithoutNode(cluster: RedisInfo): number {
  const assigned = infoNumber(cluster, "cluster_slots_assigned") ?? slotCount;
  return slotCount - assigned + (infoNumber(cluster, "cluster_slots_fail") ?? 0);
}
