import { annoy, browse, type Seen } from "./clients.js";
import { endSoak, hasEnded, pause } from "./ending.js";
import { type MetricsPage, parseMetrics } from "./metrics-page.js";
import type { SoakOptions } from "./options.js";
import type { Sample } from "./series.js";
import { randomOf } from "./shuffle.js";
import { type CheckEntry, SoakedAgent } from "./soaked-agent.js";
import type { Surrounding } from "./stage.js";

const clients = 4;
const editEveryMs = 15_000;
const editsUntilDamage = 4;

/** What came of a soak. */
export interface Soaked {
  readonly samples: readonly Sample[];
  readonly page: MetricsPage | undefined;
  readonly requests: Readonly<Record<string, number>>;
  readonly edits: number;
  readonly died: string | undefined;
}

export interface SoakEvents {
  onSample(sample: Sample): void;
}

/** Runs the agent among its dependencies until the time is up, it dies, or somebody interrupts. */
export async function soak(surrounding: Surrounding, options: SoakOptions, events: SoakEvents): Promise<Soaked> {
  const { folder, lanes, sink } = surrounding;
  const staying = [...lanes.flatMap((lane) => lane.staying), { name: "system", kind: "system", interval: "2s" }];
  const { plant, node } = options;
  const agent = await SoakedAgent.start({ folder, otlpEndpoint: sink.endpoint, staying, plant, node });
  const seen: Seen = { statuses: {} };
  let died: string | undefined;
  agent.program.onDeath(() => {
    died = agent.program.logs().slice(-2_000);
    endSoak();
  });
  const random = (index: number) => randomOf(options.seed * 1_000 + index);
  const work = [
    ...lanes.map((lane, index) => lane.run(agent, random(index))),
    ...Array.from({ length: clients }, (_, index) => annoy(agent, random(500 + index))),
    browse(agent, random(600), seen),
    edit(agent),
    sink.flap(),
  ];
  const watched = new Watched(agent, events);
  const all = [...work, watched.watch(options.minutes * 60)].map((one) => one.catch(rethrowUnlessEnded));
  try {
    await Promise.race(all);
  } finally {
    endSoak();
    await Promise.allSettled(all);
    await agent.program.stop();
  }
  return { ...watched, requests: seen.statuses, edits: agent.edits, died };
}

function rethrowUnlessEnded(error: unknown): void {
  if (!hasEnded()) throw error;
}

/** A check that comes, changes and goes; and now and then a file that is refused. Until it is interrupted. */
async function edit(agent: SoakedAgent): Promise<never> {
  const visitor = (timeout: string): CheckEntry => ({ name: "visitor", kind: "system", interval: "1s", timeout });
  const states = [[visitor("800ms")], [visitor("900ms")], []];
  for (let edits = 0; ; edits++) {
    await pause(editEveryMs);
    if (edits % editsUntilDamage === editsUntilDamage - 1) await agent.edit({ damage: "\n\tno: [yaml" });
    else await agent.setGuests("editor", states[edits % states.length] ?? []);
  }
}

/** Looks at the agent again and again. */
class Watched {
  readonly samples: Sample[] = [];
  page: MetricsPage | undefined;
  readonly #agent: SoakedAgent;
  readonly #events: SoakEvents;

  constructor(agent: SoakedAgent, events: SoakEvents) {
    this.#agent = agent;
    this.#events = events;
  }

  /** Resolves when the time is up. */
  async watch(seconds: number): Promise<void> {
    const everyMs = Math.min(5_000, Math.max(1_000, seconds * 1.5));
    const startMs = performance.now();
    for (let atSeconds = 0; atSeconds < seconds; ) {
      await pause(everyMs);
      atSeconds = (performance.now() - startMs) / 1_000;
      const sample = { atSeconds, values: { ...this.#agent.look(), ...(await this.scrape()) } };
      this.samples.push(sample);
      this.#events.onSample(sample);
    }
  }

  private async scrape() {
    try {
      const answer = await fetch(`${this.#agent.url}/metrics`, { signal: AbortSignal.timeout(10_000) });
      const text = await answer.text();
      if (!answer.ok) return {};
      this.page = parseMetrics(text);
    } catch {
      return {};
    }
    const { lines, missed, orphaned } = this.page;
    return { lines, missed, orphaned };
  }
}
