import type { Answer } from "./answer.js";
import type { HealthSource } from "./ports.js";

/** Milliseconds after which an answer is built again though nothing but ages and timestamps moved. */
const maxAgeMs = 100;
/** An answer that takes longer than this to build is dear: facts and ages in it may then lag. */
const dearMs = 1;
/** A dear answer is built so seldom that building it takes at most this share of the process's time. */
const dearShare = 0.05;
const maxLagMs = 1_000;
/** `?exclude=` and check names make any number of keys; the usual ones are fewer than this. */
const maxEntries = 64;

export interface AnswerCache {
  get(key: string, build: () => Answer, options?: CacheOptions): Answer;
}

export interface CacheOptions {
  /** The answer's verdict is not the service's own, so that a new status does not announce its changes. */
  readonly hasOwnVerdict?: boolean;
}

interface Entry {
  readonly answer: Answer;
  readonly revision: number;
  readonly state: string;
  readonly builtAtMs: number;
  readonly costMs: number;
}

/**
 * Bodies built once per change, and at most every 100 ms otherwise. A new status or phase always shows at once;
 * where a body is dear (thousands of checks, a result each millisecond), newer facts wait until it has paid off.
 */
export function createAnswerCache(source: HealthSource, clock: () => number): AnswerCache {
  const entries = new Map<string, Entry>();
  return {
    get(key, build, { hasOwnVerdict = false } = noOptions) {
      const nowMs = clock();
      const entry = entries.get(key);
      if (entry && isFresh(entry, source, nowMs, hasOwnVerdict)) return entry.answer;
      const { revision } = source;
      const state = stateKey(source);
      const answer = build();
      if (entry === undefined && entries.size >= maxEntries) entries.clear();
      entries.set(key, { answer, revision, state, builtAtMs: nowMs, costMs: clock() - nowMs });
      return answer;
    },
  };
}

const noOptions: CacheOptions = {};

function isFresh(entry: Entry, source: HealthSource, nowMs: number, hasOwnVerdict: boolean): boolean {
  if (entry.state !== stateKey(source)) return false;
  const ageMs = nowMs - entry.builtAtMs;
  const restMs = entry.costMs < dearMs ? 0 : Math.min(entry.costMs / dearShare, maxLagMs);
  if (entry.revision === source.revision) return ageMs < Math.max(maxAgeMs, restMs);
  return !hasOwnVerdict && ageMs < restMs;
}

/** What must never be served late. */
const stateKey = ({ phase, status, isAlive, hasStarted }: HealthSource): string =>
  `${phase} ${status} ${isAlive} ${hasStarted}`;
