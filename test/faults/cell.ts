import { expect } from "vitest";
import type { CheckKind } from "../../src/check.js";
import { formsOf } from "../contract/leaks.js";
import { socketsTo } from "../servers/opened.js";
import { slackMs } from "../servers/run.js";
import { faults } from "./faults.js";
import type { Finding } from "./row.js";
import { type CellSubject, openScene, type Scene, type Surroundings as SceneSurroundings } from "./scene.js";
import { intervalMs, timeoutMs, Watcher } from "./watcher.js";

/** What all cells share. */
export interface Surroundings extends SceneSurroundings {
  /** All there are unless said. */
  readonly kinds?: readonly CheckKind[];
}

/** The contract: a result is there this long after its deadline at the latest. */
const graceMs = 100;

/** One cell of the table: a real agent, healthy, under the fault, healthy again, gone; and what it left and gave away. */
export async function runCell(subject: CellSubject, surroundings: Surroundings): Promise<void> {
  const scene = await openScene(subject, surroundings);
  const watcher = await Watcher.create(subject.row.kind, surroundings.kinds);
  try {
    await go(scene, watcher, subject);
    const left = await watcher.stop();
    expect(left, "left open").toEqual([]);
    expect(watcher.orphanedRuns, "runs that outlived their deadline").toBeLessThanOrEqual(subject.row.maxOrphans ?? 0);
    expect(watcher.silentPlaces, "never heard of").toEqual([]);
    expect(socketsTo(scene.port), "sockets left").toBe(0);
    expectNoSecret(watcher, surroundings);
  } finally {
    await watcher.remove();
    await scene.close();
  }
}

async function go(scene: Scene, watcher: Watcher, { fault, finding }: CellSubject): Promise<void> {
  const isFirst = "isFirst" in faults[fault];
  if (isFirst) await scene.begin(watcher);
  await watcher.start(scene.checks);
  if (!isFirst) {
    await expectRun(watcher, { finding: healthy, when: "before", sinceMs: 0 });
    await scene.begin(watcher);
  }
  await expectRun(watcher, { finding, when: "under the fault", sinceMs: isFirst ? 0 : Date.now() });
  // A second one: what the first left behind must not change the verdict.
  await expectRun(watcher, { finding, when: "still under the fault", sinceMs: Date.now() });
  expect(watcher.isReady).toBe(finding.status !== "unhealthy");
  await watcher.readEverything();
  await scene.end(watcher);
  // The reload that ends a fault of the options may already have run the new check: it is healthy, and waits its turn.
  const intervals = faults[fault].at === "options" ? healthyIntervals : failingIntervals;
  await expectRun(watcher, { finding: healthy, when: "after", sinceMs: Date.now(), intervals });
}

const healthy: Finding = { status: "healthy" };

interface ExpectedRun {
  readonly finding: Finding;
  readonly when: "before" | "under the fault" | "still under the fault" | "after";
  readonly sinceMs: number;
  readonly intervals?: number;
}

/** A failing check is run again within one interval; a healthy one may wait half an interval longer, once, for its place. */
const failingIntervals = 1;
const healthyIntervals = 1.5;

/** The first run that can know of a change sees it, and keeps to its deadline. */
async function expectRun(watcher: Watcher, expected: ExpectedRun): Promise<void> {
  const { finding, when, sinceMs, intervals = healthyIntervals } = expected;
  const { status, reason = null } = finding;
  const dueMs = Date.now() + intervals * intervalMs;
  for (const seen of await watcher.firstSince(sinceMs)) {
    const said = `${seen.check} ${when}: ${seen.error}`;
    expect({ status: seen.status, reason: seen.reason }, said).toEqual({ status, reason });
    // Once when it should begin or end, and once more when that should be seen.
    const heldUpMs = 2 * watcher.heldUpMs;
    expect(seen.startedAtMs, said).toBeLessThan(dueMs + slackMs + heldUpMs);
    expect(seen.duration_ms, said).toBeLessThan(timeoutMs + graceMs + heldUpMs);
  }
}

function expectNoSecret(watcher: Watcher, { password, wrongPassword, certificates }: Surroundings): void {
  for (const secret of [password, wrongPassword, certificates.client.key]) {
    for (const form of formsOf(secret)) {
      const leak = watcher.published.find(({ text }) => text.includes(form));
      expect(leak, `a secret appears as ${form}`).toBeUndefined();
    }
  }
}
