import type { Options } from "../contract/kind-contract.js";
import { type FaultName, faultNames, faults } from "../faults/faults.js";
import { type Finding, isNotApplicable, type Link, type Row, type Stage } from "../faults/row.js";
import { openLinkTo, openScene, type Surroundings } from "../faults/scene.js";
import { pause } from "./ending.js";
import { shuffled } from "./shuffle.js";
import { type CheckEntry, intervalMs, noticedWithinMs, type SoakedAgent } from "./soaked-agent.js";

const timeoutMs = 800;
/** Some runs under each fault, and some without one. */
const faultMs = 3_000;
const quietMs = 2_000;

const entryOf = (row: Row, name: string, options: Options): CheckEntry => ({
  ...{ name, kind: row.kind, critical: false, interval: `${intervalMs}ms`, timeout: `${timeoutMs}ms` },
  ...options,
});

/** One row of the fault matrix: its servers, the ways to them, the checks that stay, and one fault after another. */
export class Lane {
  readonly mishaps: string[] = [];
  faultsSeen = 0;

  private constructor(
    readonly row: Row,
    private readonly stage: Stage,
    private readonly surroundings: Surroundings,
    private readonly plain: Link,
    private readonly secure: Link | undefined,
  ) {}

  static async open(row: Row, surroundings: Surroundings): Promise<Lane | undefined> {
    const stage = await row.start?.(surroundings);
    if (!stage) return undefined;
    const linkTo = (port: number) => openLinkTo(port, { row, stage }, surroundings);
    const secure = stage.secure && (await linkTo(stage.secure.good));
    return new Lane(row, stage, surroundings, await linkTo(stage.port), secure);
  }

  /** All ways to say where the server is, and one of them by TLS. */
  get staying(): readonly CheckEntry[] {
    const { certificates, password } = this.surroundings;
    const { cert, key } = certificates.client;
    const place = { host: "127.0.0.1", password };
    const plain = this.stage.options({ ...place, port: this.plain.port });
    const tls = { ca: certificates.ca.cert, cert, key };
    const secure = this.secure ? this.stage.options({ ...place, port: this.secure.port, tls }).slice(0, 1) : [];
    const named = (word: string) => (options: Options, index: number) =>
      entryOf(this.row, `${this.row.name}-${word}${index + 1}`, options);
    return [...plain.map(named("stays")), ...secure.map(named("tls"))];
  }

  /** Every fault that the row has a cell for, in another order each time; until it is interrupted. */
  async run(agent: SoakedAgent, random: () => number): Promise<never> {
    const cells = faultNames.flatMap((fault) => {
      const cell = this.row.cells[fault];
      return isNotApplicable(cell) ? [] : [[fault, cell] as const];
    });
    await pause(random() * faultMs);
    for (;;) {
      for (const [fault, finding] of shuffled(cells, random)) {
        await this.goThrough(fault, finding, agent);
        await pause(quietMs);
      }
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.plain.close(), this.secure?.close()]);
    await this.stage.remove();
  }

  private async goThrough(fault: FaultName, finding: Finding, agent: SoakedAgent): Promise<void> {
    const { row, stage } = this;
    // The checks that stay are on it, unless the fault is one of their options, or needs a way of its own.
    const isGuests = faults[fault].at === "options" || fault === "resetMidAnswer";
    const lasting = "isSecure" in faults[fault] ? this.secure : this.plain;
    const scene = await openScene({ row, stage, fault, finding }, this.surroundings, isGuests ? undefined : lasting);
    const reload = async (checks: readonly Options[]) => {
      const guests = checks.map((options, index) => entryOf(row, `${row.name}-guest${index + 1}`, options));
      await agent.setGuests(row.name, guests, { isAnnounced: true });
      await pause(noticedWithinMs);
    };
    try {
      if (isGuests) await reload(scene.checks);
      await scene.begin({ reload });
      try {
        await pause(faultMs);
      } finally {
        await scene.end({ reload });
      }
      if (isGuests) await reload([]);
      this.faultsSeen += 1;
    } catch (error) {
      // Of the pause that was interrupted, or of a server that did not come up on a busy machine.
      if ((error as Error).name === "AbortError") throw error;
      this.mishaps.push(`${row.name}, ${fault}: ${(error as Error).message}`);
    } finally {
      if (isGuests) await scene.close();
    }
  }
}
