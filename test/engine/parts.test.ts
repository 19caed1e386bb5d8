import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPolicy } from "../../src/check.js";
import { failingGapMs, gridFor, maxStarts, nextPhaseTime, startSpreadMs } from "../../src/engine/cadence.js";
import { Deadlines } from "../../src/engine/deadlines.js";
import { type Due, DueHeap, notQueued } from "../../src/engine/due-heap.js";
import { Slots, type Start } from "../../src/engine/slots.js";
import { FakeClock } from "./fake-clock.js";

describe("DueHeap", () => {
  it("gives entries back in the order they are due, those due together by phase, however they were added, moved and removed", () => {
    const step = fc.tuple(fc.nat(19), fc.nat(30), fc.boolean());
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const heap = new DueHeap<Due>();
        const entries = Array.from({ length: 20 }, (_, phase): Due => ({ dueMs: 0, phase, heapIndex: notQueued }));
        const model = new Map<Due, number>();
        for (const [index, dueMs, isRemoval] of steps) {
          const entry = entries[index] as Due;
          if (isRemoval) heap.remove(entry);
          else heap.schedule(entry, dueMs);
          if (isRemoval) model.delete(entry);
          else model.set(entry, dueMs);
        }
        const order: (readonly [dueMs: number, phase: number])[] = [];
        for (let next = heap.peek(); next; next = heap.peek()) {
          order.push([next.dueMs, next.phase]);
          heap.remove(next);
        }
        const expected = [...model].map(([{ phase }, dueMs]) => [dueMs, phase] as const);
        expect(order).toEqual(expected.sort((a, b) => a[0] - b[0] || a[1] - b[1]));
      }),
    );
  });
});

describe("Deadlines", () => {
  it("expires each deadline at its time and none that was met", async () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    const expired: string[] = [];
    deadlines.add(300, () => expired.push(`slow at ${clock.monotonic()}`));
    const met = deadlines.add(100, () => expired.push("met"));
    deadlines.add(100, () => expired.push(`fast at ${clock.monotonic()}`));
    deadlines.end(met);
    await clock.advance(1_000);
    expect(expired).toEqual(["fast at 100", "slow at 300"]);
    expect(clock.pending).toBe(0);
  });

  it("arms no timer while nothing runs, and few while a thousand deadlines are met", async () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    for (let index = 0; index < 1_000; index++) {
      const deadline = deadlines.add(5_000, () => {});
      await clock.advance(1);
      deadlines.end(deadline);
    }
    expect(clock.pending).toBe(0);
    const anchor = deadlines.add(5_000, () => {});
    const armedBefore = clock.armed;
    for (let index = 0; index < 1_000; index++) deadlines.end(deadlines.add(5_000, () => {}));
    expect(clock.armed - armedBefore).toBe(0);
    deadlines.end(anchor);
  });
});

describe("Deadlines after a stall of our own loop", () => {
  it("let answers in that came in time before they expire", async () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    let hasExpired = false;
    const deadline = deadlines.add(1_000, () => {
      hasExpired = true;
    });
    clock.stall(5_000);
    clock.after(0, () => deadlines.end(deadline));
    await clock.advance(100);
    expect(hasExpired).toBe(false);
    expect(clock.pending).toBe(0);
  });

  it("expire all the same when no answer was waiting", async () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    let expiredAtMs = 0;
    deadlines.add(1_000, () => {
      expiredAtMs = clock.monotonic();
    });
    clock.stall(5_000);
    await clock.advance(100);
    expect(expiredAtMs).toBe(5_000);
  });
});

describe("any row of deadlines", () => {
  const step = fc.oneof(
    fc.record({ add: fc.constantFrom(10, 50, 200) }),
    fc.record({ end: fc.nat(30) }),
    fc.record({ advance: fc.integer({ min: 1, max: 12 }) }),
  );

  it("expires each once and at its time, unless it was met before, and leaves no timer", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const clock = new FakeClock();
        const deadlines = new Deadlines(clock);
        const added: { readonly atMs: number; expiredMs: number[]; metMs?: number; end(): void }[] = [];
        for (const each of steps) {
          if ("add" in each) {
            const expiredMs: number[] = [];
            const deadline = deadlines.add(each.add, () => expiredMs.push(clock.monotonic()));
            added.push({ atMs: deadline.atMs, expiredMs, end: () => deadlines.end(deadline) });
          } else if ("end" in each) {
            const one = added[each.end];
            one?.end();
            if (one) one.metMs ??= clock.monotonic();
          } else await clock.advance(each.advance);
        }
        await clock.advance(1_000);
        for (const { atMs, expiredMs, metMs } of added) {
          expect(expiredMs).toEqual(metMs !== undefined && metMs < atMs ? [] : [atMs]);
        }
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});

describe("any row of starts", () => {
  const what = fc.constantFrom("request", "request", "release", "slow", "withdraw");
  const step = fc.tuple(what, fc.nat(100), fc.constantFrom("http", "llm"), fc.constantFrom("steady", "slow"));

  it("never fills a pool or a kind beyond its size, leaves nobody waiting who has room, and begins who has waited longest of those", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 4 }), (steps, max) => {
        const slots = new Slots({ max, perKind: { llm: 2 } });
        const waiting: Start[] = [];
        const running: Start[] = [];
        const moved = new Set<Start>();
        const held = (isOne: (start: Start) => boolean): number => running.filter(isOne).length;
        const hasRoom = ({ kind, pool }: Start): boolean =>
          held((start) => start.pool === pool) < max && (kind !== "llm" || held((start) => start.kind === "llm") < 2);
        for (const [action, number, kind, pool] of steps) {
          const atRandom = (from: readonly Start[]): Start | undefined => from[number % Math.max(1, from.length)];
          if (action === "request") {
            const one: Start = {
              kind,
              pool: pool as Start["pool"],
              begin: () => {
                expect(waiting.find(hasRoom)).toBe(one);
                waiting.splice(waiting.indexOf(one), 1);
                running.push(one);
              },
            };
            waiting.push(one);
            slots.request(one);
          } else if (action === "withdraw") {
            const one = atRandom(waiting);
            if (!one) continue;
            waiting.splice(waiting.indexOf(one), 1);
            slots.withdraw(one);
          } else {
            const one = atRandom(running);
            if (!one) continue;
            if (action === "release") running.splice(running.indexOf(one), 1);
            else if (one.pool === "steady") moved.add(one);
            if (action === "release") slots.release(one);
            else slots.moveToSlow(one);
          }
          expect(held((start) => start.pool === "steady")).toBeLessThanOrEqual(max);
          expect(held((start) => start.pool === "slow" && !moved.has(start))).toBeLessThanOrEqual(max);
          expect(held((start) => start.kind === "llm")).toBeLessThanOrEqual(2);
          expect(waiting.some(hasRoom)).toBe(false);
        }
      }),
    );
  });
});

describe("Slots", () => {
  const start = (pool: "steady" | "slow", begun: string[], name: string, kind = "http"): Start => ({
    kind,
    pool,
    begin: () => begun.push(name),
  });

  it("admits as many as there are slots, the others in order as slots come free", () => {
    const begun: string[] = [];
    const slots = new Slots({ max: 1, perKind: {} });
    const first = start("steady", begun, "first");
    slots.request(first);
    slots.request(start("steady", begun, "second"));
    slots.request(start("steady", begun, "third"));
    expect(begun).toEqual(["first"]);
    slots.release(first);
    expect(begun).toEqual(["first", "second"]);
  });

  it("keeps the pools apart, and gives a long run's steady slot to others", () => {
    const begun: string[] = [];
    const slots = new Slots({ max: 1, perKind: {} });
    const long = start("steady", begun, "long");
    slots.request(long);
    slots.request(start("slow", begun, "failing"));
    slots.request(start("steady", begun, "waiting"));
    expect(begun).toEqual(["long", "failing"]);
    slots.moveToSlow(long);
    expect(begun).toEqual(["long", "failing", "waiting"]);
  });

  it("caps a kind, and lets other kinds pass those that wait for it", () => {
    const begun: string[] = [];
    const slots = new Slots({ max: 10, perKind: { llm: 1 } });
    const first = start("steady", begun, "llm-1", "llm");
    slots.request(first);
    slots.request(start("steady", begun, "llm-2", "llm"));
    slots.request(start("steady", begun, "http-1"));
    expect(begun).toEqual(["llm-1", "http-1"]);
    slots.release(first);
    expect(begun).toEqual(["llm-1", "http-1", "llm-2"]);
  });

  it("gives the failing of a capped kind their turn, though the well ones of it always wait", () => {
    const begun: string[] = [];
    const slots = new Slots({ max: 10, perKind: { llm: 1 } });
    const first = start("steady", begun, "first", "llm");
    slots.request(first);
    slots.request(start("slow", begun, "failing", "llm"));
    slots.request(start("steady", begun, "well", "llm"));
    slots.release(first);
    expect(begun).toEqual(["first", "failing"]);
  });

  it("forgets a start that was withdrawn", () => {
    const begun: string[] = [];
    const slots = new Slots({ max: 1, perKind: {} });
    const first = start("steady", begun, "first");
    const gone = start("steady", begun, "gone");
    slots.request(first);
    slots.request(gone);
    slots.withdraw(gone);
    slots.release(first);
    expect(begun).toEqual(["first"]);
  });
});

describe("the cadence", () => {
  const policy = createPolicy(
    "a",
    { kind: "x", defaults: { intervalMs: 60_000, timeoutMs: 3_000 } },
    { failingIntervalMs: 5_000 },
  );

  it("spreads the first runs over two seconds or a thousand a second, and never beyond an interval", () => {
    expect(startSpreadMs(10, 30_000)).toBe(2_000);
    expect(startSpreadMs(10_000, 30_000)).toBe(10_000);
    expect(startSpreadMs(10_000, 1_000)).toBe(1_000);
  });

  it("chooses the coarser a grid the fewer runs there are", () => {
    expect([0, 100, 101, 200, 201, 400, 401, 1_000, 10_000].map(gridFor)).toEqual([
      100, 100, 50, 50, 25, 25, 20, 20, 20,
    ]);
  });

  it("lets no more fall due together on average than may start together", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), (rate) => {
        expect((rate * gridFor(rate)) / 1_000).toBeLessThanOrEqual(maxStarts(rate));
      }),
    );
  });

  it("puts due times on the grid, within an interval of the asked time", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 41 }),
        fc.integer({ min: 5, max: 180_000 }).map((ticks) => ticks * 100),
        fc.double({ min: 0, max: 0.999_999, noNaN: true }),
        fc.constantFrom(10, 20, 25, 50, 100),
        (afterMs, intervalMs, phase, grid) => {
          const next = nextPhaseTime(afterMs, intervalMs, phase, grid);
          expect(next % grid).toBe(0);
          expect(next).toBeGreaterThan(afterMs);
          expect(next - afterMs).toBeLessThanOrEqual(intervalMs);
        },
      ),
    );
  });

  it("gives one due time in each interval, whenever in it one asks", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 41 }),
        fc.integer({ min: 5, max: 180_000 }).map((ticks) => ticks * 100),
        fc.double({ min: 0, max: 0.999_999, noNaN: true }),
        fc.double({ min: 0, max: 0.999_999, noNaN: true }),
        fc.constantFrom(10, 20, 25, 50, 100),
        (afterMs, intervalMs, phase, share, grid) => {
          const next = nextPhaseTime(afterMs, intervalMs, phase, grid);
          const between = afterMs + Math.floor(share * (next - afterMs));
          expect(nextPhaseTime(between, intervalMs, phase, grid)).toBe(next);
          expect(nextPhaseTime(next, intervalMs, phase, grid)).toBe(next + intervalMs);
        },
      ),
    );
  });

  it("never shortens the gap of a failing check as it fails on, and keeps it between its two intervals", () => {
    fc.assert(
      fc.property(fc.nat(2_000), fc.nat(2_000), (one, other) => {
        const [fewer, more] = [failingGapMs(policy, Math.min(one, other)), failingGapMs(policy, Math.max(one, other))];
        expect(fewer).toBeGreaterThanOrEqual(policy.failingIntervalMs);
        expect(more).toBeGreaterThanOrEqual(fewer);
        expect(more).toBeLessThanOrEqual(policy.intervalMs);
      }),
    );
  });

  it("doubles the gap of a failing check after twelve failures, up to the interval", () => {
    expect([1, 12, 13, 14, 15, 16, 1_000].map((failures) => failingGapMs(policy, failures))).toEqual([
      5_000, 5_000, 10_000, 20_000, 40_000, 60_000, 60_000,
    ]);
  });

  it("allows ten starts in 10 ms at least, and twice the mean rate", () => {
    expect(maxStarts(1)).toBe(10);
    expect(maxStarts(1_000)).toBe(20);
  });
});
