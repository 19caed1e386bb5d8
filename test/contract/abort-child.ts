/**
 * Run by the contract suite in a process of its own, where nothing else is open: starts one run, calls it off when its
 * standard input ends, and prints what is then left. A socket or timer that outlives `close` keeps this process alive,
 * which the suite notices. Arguments: kind, JSON of its options.
 */
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { CheckFailure } from "../../src/check.js";
import { kinds } from "../../src/kinds/index.js";
import { runOnce } from "../servers/run.js";

export interface AbortReport {
  readonly message: string | undefined;
  /** From the abort until the run had settled. */
  readonly settledAfterMs: number;
  /** Open after the run, `close` not called yet. */
  readonly resources: readonly string[];
}

/** What a socket needs to be gone after it was destroyed. */
const graceMs = 150;
const [name = "", options = "{}"] = process.argv.slice(2);
const kind = kinds.find((candidate) => candidate.kind === name);
if (!kind) throw new Error(`no kind ${name}`);
const check = kind.create(kind.options.parse(JSON.parse(options)));
const stop = new AbortController();
let abortedAtMs = 0;
const abort = once(process.stdin.resume(), "end").then(() => {
  abortedAtMs = performance.now();
  stop.abort(new CheckFailure("unavailable", "shutting down"));
});
const { failure } = await runOnce(check, { timeoutMs: 20_000, signal: stop.signal });
const settledAfterMs = performance.now() - abortedAtMs;
await abort;
await delay(graceMs);
const resources = process.getActiveResourcesInfo().filter((resource) => /TCP|TLS|GetAddrInfo|Timeout/.test(resource));
const report: AbortReport = { message: failure?.message, settledAfterMs, resources };
process.stdout.write(JSON.stringify(report));
await check.close?.();
