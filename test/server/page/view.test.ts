import { describe, expect, it } from "vitest";
import type { PageView } from "../../../src/server/page/view.js";
import { entry, isoBefore, unhealthy, viewOf, waiting } from "./reports.js";

function groupsOf({ content }: PageView): Readonly<Record<string, readonly string[]>> {
  if (content.is !== "overview") throw new Error(`shows ${content.is}`);
  return Object.fromEntries(
    content.groups.map(({ id, cards, brief }) => [id, [...cards, ...brief].map(({ name }) => name)]),
  );
}

function cardOf(view: PageView) {
  if (view.content.is !== "check") throw new Error(`shows ${view.content.is}`);
  return view.content.card;
}

const only = (check: ReturnType<typeof entry>, page = {}) =>
  cardOf(viewOf({ a: check }, { question: { check: "a" }, page }));

describe("the overview", () => {
  it("puts what is broken first, and what is critical first among its like", () => {
    const view = viewOf({
      fine: entry(),
      slow: entry({ status: "degraded", error: "slow", reason: "threshold" }),
      mail: unhealthy(),
      new: waiting(),
      stale: entry({ status: "unknown", stale: true, critical: true }),
      main: entry({ critical: true }),
      database: unhealthy({ critical: true }),
    });
    expect(groupsOf(view)).toEqual({
      broken: ["database", "stale", "mail"],
      degraded: ["slow"],
      waiting: ["new"],
      healthy: ["main", "fine"],
    });
    expect(view.counts.map(({ words }) => words)).toEqual(["2 unhealthy", "2 unknown", "1 degraded", "2 healthy"]);
  });

  it("puts a healthy check whose last run failed before those that are quiet", () => {
    const shaky = entry({ raw_status: "unhealthy", error: "connection refused", reason: "refused" });
    expect(groupsOf(viewOf({ a: entry({ critical: true }), z: shaky }))).toEqual({ healthy: ["z", "a"] });
  });

  it("counts as people do", () => {
    expect(groupsOf(viewOf({ "web-10": entry(), "web-2": entry(), "web-1": entry() }))).toEqual({
      healthy: ["web-1", "web-2", "web-10"],
    });
  });

  it("finds checks by a part of the name or owner, or by kind", () => {
    const checks = {
      cache: entry({ kind: "redis", owner: "Team Shop" }),
      "redis-queue": entry(),
      web: entry({ kind: "http", owner: "web" }),
    };
    const found = (find: string) => groupsOf(viewOf(checks, { question: { find } })).healthy;
    expect(found("REDIS")).toEqual(["cache", "redis-queue"]);
    expect(found("shop")).toEqual(["cache"]);
    expect(found("red")).toEqual(["redis-queue"]);
    expect(found("nothing")).toBeUndefined();
  });

  it("has a field to search by where there are many checks", () => {
    const many = (count: number) =>
      viewOf(Object.fromEntries(Array.from({ length: count }, (_, i) => [`c${i}`, entry()])));
    expect(many(11).content).toMatchObject({ find: undefined });
    expect(many(12).content).toMatchObject({ find: "" });
  });

  it("shows 200 checks in full, those first that matter, and the others by name", () => {
    const names = Array.from({ length: 300 }, (_, index) => `c${index}`);
    const view = viewOf(Object.fromEntries(names.map((name, index) => [name, index < 20 ? unhealthy() : entry()])));
    if (view.content.is !== "overview") throw new Error("no overview");
    expect(view.content.groups.map(({ cards, brief }) => [cards.length, brief.length])).toEqual([
      [20, 0],
      [180, 100],
    ]);
    expect(view.pollMs).toBe(15_000);
  });

  it("lists a thousand at most, what is broken first, counts the others, and finds each of them", () => {
    const names = Array.from({ length: 1_500 }, (_, index) => `c${index}`);
    const checks = Object.fromEntries(names.map((name) => [name, name === "c1499" ? unhealthy() : entry()]));
    const { content, counts } = viewOf(checks);
    if (content.is !== "overview") throw new Error("no overview");
    expect(content.groups.map(({ cards, brief, unlisted }) => [cards.length, brief.length, unlisted])).toEqual([
      [1, 0, 0],
      [199, 800, 500],
    ]);
    expect(counts.map(({ words }) => words)).toEqual(["1 unhealthy", "1499 healthy"]);
    const { content: found } = viewOf(checks, { question: { find: "c1400" } });
    expect(found).toMatchObject({ groups: [{ unlisted: 0, cards: [{ name: "c1400" }] }] });
  });

  it("has each page's own checks in order, whatever was shown before", () => {
    const order = (...names: string[]) => {
      const { content } = viewOf(Object.fromEntries(names.map((name) => [name, entry()])));
      return content.is === "overview" ? content.groups.flatMap(({ cards }) => cards.map(({ name }) => name)) : [];
    };
    expect(order("web-10", "web-2", "a")).toEqual(["a", "web-2", "web-10"]);
    expect(order("web-10", "web-2", "b")).toEqual(["b", "web-2", "web-10"]);
    expect(order("b", "web-10")).toEqual(["b", "web-10"]);
    expect(order("web-10", "web-2", "a")).toEqual(["a", "web-2", "web-10"]);
  });
});

describe("the verdict", () => {
  it("says the state first in the title, and the phase while it says more", () => {
    expect(viewOf({}).title).toBe("Healthy · checkout-api");
    const starting = viewOf({ a: waiting() }, { report: { phase: "starting", status: "unknown" } });
    expect([starting.state, starting.title]).toEqual(["starting", "Starting · checkout-api"]);
    const draining = viewOf({}, { report: { phase: "draining", readiness: false, reason: "The process is draining" } });
    expect([draining.state, draining.readiness.words]).toEqual([
      "draining",
      "Not ready for traffic: The process is draining",
    ]);
  });

  it("stays a sentence however many checks it names", () => {
    const names = Array.from({ length: 300 }, (_, index) => `check-${index}`).join(", ");
    const view = viewOf({ a: unhealthy() }, { report: { message: names, readiness: false, reason: names } });
    expect(view.message).toMatch(/^check-0, check-1, .{300,400}, …$/);
    expect(view.readiness.words.length).toBeLessThan(450);
  });

  it("is no praise of a service that checks nothing", () => {
    expect(viewOf({}).message).toBe("Nothing is checked yet");
  });

  it("tells this process from others by what is known of it", () => {
    const page = { environment: "production", instance: "web-1:9464" };
    expect(viewOf({}, { page }).about).toEqual(["production", "version 1.4.2", "web-1:9464", "up 1 h 6 min"]);
    expect(viewOf({}, { report: { version: null } }).about).toEqual(["up 1 h 6 min"]);
  });
});

describe("a check", () => {
  it("says how long its state has held, and what it complains of", () => {
    const card = only(unhealthy({ since: isoBefore(190_000) }));
    expect([card.state, card.trouble, card.failuresInRow]).toEqual([
      "Unhealthy for 3 min",
      { reason: "refused", message: "connection refused" },
      3,
    ]);
    expect(card.lastRun).toMatchObject({ ago: "2 s ago", duration: "4 ms" });
  });

  it("says that it waits, or that there is no news, rather than a status", () => {
    expect(only(waiting()).state).toBe("Waiting for the first result");
    const stale = only(
      entry({
        status: "unknown",
        raw_status: "unknown",
        stale: true,
        since: isoBefore(5_000),
        last_check: isoBefore(95_000),
      }),
    );
    expect([stale.state, stale.trouble?.message]).toEqual(["No news for 1 min", "no result for three intervals"]);
  });

  it("says when the last run and the status differ", () => {
    const failing = only(entry({ raw_status: "unhealthy", error: "connection refused", reason: "refused" }));
    expect(failing.trouble).toEqual({ reason: "refused", message: "the last run was unhealthy: connection refused" });
    const better = only(entry({ status: "unhealthy", raw_status: "healthy" }));
    expect(better.trouble).toEqual({ message: "the last run was healthy" });
  });

  it("remembers its last failure after it has recovered, with the trace", () => {
    const failure = { time: isoBefore(60_000), reason: "timeout", message: "no answer", trace_id: "ab12" } as const;
    const card = only(entry({ last_failure: failure, trace_id: "cd34" }), { traceUrl: "https://grafana/?t={traceId}" });
    expect(card.lastFailure).toMatchObject({
      ago: "1 min ago",
      reason: "timeout",
      trace: { text: "ab12", href: "https://grafana/?t=ab12" },
    });
    expect(card.trace).toEqual({ text: "cd34", href: "https://grafana/?t=cd34" });
  });

  it("links owner and runbook where they are addresses of the web, and shows them as text otherwise", () => {
    const card = only(entry({ owner: "https://chat/shop", runbook: "javascript:attacked()" }));
    expect(card.owner).toEqual({ text: "https://chat/shop", href: "https://chat/shop" });
    expect(card.runbook).toEqual({ text: "javascript:attacked()" });
  });

  it.each(["__proto__", "constructor", "none"])("that does not exist is missing, though it is called %s", (check) => {
    expect(viewOf({ a: entry() }, { question: { check } }).content).toEqual({ is: "missing", name: check });
  });

  it("shows its whole history, newest first", () => {
    const history = [
      { atMs: 1_000, status: "healthy", durationMs: 3 },
      { atMs: 2_000, status: "unhealthy" },
    ] as const;
    expect(viewOf({ a: entry() }, { question: { check: "a" }, history }).content).toMatchObject({
      history: [
        { time: "1970-01-01T00:00:02.000Z", status: "unhealthy", duration: "no run" },
        { time: "1970-01-01T00:00:01.000Z", status: "healthy", duration: "3 ms" },
      ],
    });
  });
});

describe("a message that is too long", () => {
  it("is cut at a word, and where there is none all the same", () => {
    const messageOf = (message: string): string => viewOf({ a: entry() }, { report: { message } }).message;
    expect(messageOf(`${"word ".repeat(100)}`)).toMatch(/^(word ){79}word …$/);
    expect(messageOf("n".repeat(9_000))).toHaveLength(402);
  });
});
