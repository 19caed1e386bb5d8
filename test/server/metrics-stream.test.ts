import { describe, expect, it } from "vitest";
import { createMetricsStream } from "../../src/server/metrics-stream.js";
import type { Exposition, MetricsSource } from "../../src/server/ports.js";
import { FakeResponse, request } from "./exchange.js";

const contentType = "text/plain; version=0.0.4; charset=utf-8";

async function* piecesOf(...pieces: readonly string[]): AsyncGenerator<string> {
  yield* pieces;
}

const sourceOf = (pieces: () => AsyncIterable<string>): MetricsSource => ({
  render: async (): Promise<Exposition> => ({ contentType, pieces: pieces() }),
});

function setUp(metrics: MetricsSource) {
  const errors: unknown[] = [];
  const stream = createMetricsStream(metrics, (error) => void errors.push(error));
  const headers = { accept: "application/openmetrics-text" };
  return {
    errors,
    scrape: (res = new FakeResponse(), method = "GET", req = request("/metrics", { method, headers })) => ({
      req,
      res,
      done: stream.send(req, res.asServerResponse(), "healthy"),
    }),
  };
}

const turns = (count: number) =>
  new Promise<void>((resolve) => (count === 0 ? resolve() : setImmediate(() => void turns(count - 1).then(resolve))));

describe("the metrics stream", () => {
  it("sends the pieces in order, with the content type of the source", async () => {
    const { scrape } = setUp(sourceOf(() => piecesOf("a 1\n", "b 2\n")));
    const { res, done } = scrape();
    expect(await done).toBe(200);
    expect(res.body).toBe("a 1\nb 2\n");
    expect(res.headers).toMatchObject({
      "content-type": contentType,
      "cache-control": "no-store",
      "x-health-status": "healthy",
    });
    expect(res.writableEnded).toBe(true);
  });

  it("tells the source what the client accepts", async () => {
    let asked: string | undefined;
    const { done } = setUp({
      render: async (accept) => {
        asked = accept;
        return { contentType, pieces: piecesOf() };
      },
    }).scrape();
    await done;
    expect(asked).toBe("application/openmetrics-text");
  });

  it("sends no body for HEAD, and lets the source go", async () => {
    let isReleased = false;
    async function* pieces(): AsyncGenerator<string> {
      try {
        yield "a 1\n";
        yield "b 2\n";
      } finally {
        isReleased = true;
      }
    }
    const { res, done } = setUp(sourceOf(pieces)).scrape(undefined, "HEAD");
    await done;
    expect([res.statusCode, res.body, isReleased]).toEqual([200, "", true]);
  });

  it.each([
    ["collecting", { render: () => Promise.reject(new Error("boom")) }],
    [
      "the first piece",
      sourceOf(async function* () {
        yield* [] as string[];
        throw new Error("boom");
      }),
    ],
  ])("answers 503 with one clear line when %s fails", async (_what, metrics) => {
    const { errors, scrape } = setUp(metrics);
    const { res, done } = scrape();
    expect(await done).toBe(503);
    expect(res.body).toBe("Collecting the metrics failed; the log says why\n");
    expect(res.header("retry-after")).toBe("5");
    expect(errors).toEqual([new Error("boom")]);
  });

  it("cuts the connection when a later piece fails, so that no half exposition passes for a whole one", async () => {
    const { errors, scrape } = setUp(
      sourceOf(async function* () {
        yield "a 1\n";
        throw new Error("boom");
      }),
    );
    const { res, done } = scrape();
    await done;
    expect([res.destroyed, res.writableEnded, errors.length]).toEqual([true, false, 1]);
  });

  it("asks for no further piece until a slow client has read", async () => {
    let asked = 0;
    const { scrape } = setUp(
      sourceOf(async function* () {
        for (asked = 1; asked <= 3; asked += 1) yield `${asked}\n`;
      }),
    );
    const slow = new FakeResponse();
    slow.canTakeMore = false;
    const { done } = scrape(slow);
    await turns(10);
    expect(asked).toBe(1);
    slow.emit("drain");
    await turns(10);
    expect(asked).toBe(2);
    slow.canTakeMore = true;
    slow.emit("drain");
    expect(await done).toBe(200);
    expect(slow.body).toBe("1\n2\n3\n");
    expect(slow.listenerCount("drain") + slow.listenerCount("close")).toBe(0);
  });

  it("stops, and lets the source go, when the client leaves", async () => {
    let isReleased = false;
    const { errors, scrape } = setUp(
      sourceOf(async function* () {
        try {
          for (;;) yield "more\n";
        } finally {
          isReleased = true;
        }
      }),
    );
    const slow = new FakeResponse();
    slow.canTakeMore = false;
    const { done } = scrape(slow);
    await turns(3);
    slow.destroy();
    await done;
    expect([isReleased, errors]).toEqual([true, []]);
  });

  it("serves at most 16 at once, and the next one when a place is free", async () => {
    const { scrape } = setUp(sourceOf(() => piecesOf("a 1\n", "b 2\n")));
    const slow = Array.from({ length: 16 }, () => {
      const res = new FakeResponse();
      res.canTakeMore = false;
      return scrape(res);
    });
    const refused = scrape();
    expect(await refused.done).toBe(503);
    expect(refused.res.body).toMatch(/16 scrapes/);
    await turns(3);
    slow[0]?.res.destroy();
    await slow[0]?.done;
    expect(await scrape().done).toBe(200);
    for (const { res } of slow) res.destroy();
    await Promise.all(slow.map(({ done }) => done));
  });

  it("gives a connection one place, however many requests come ahead of their answers", async () => {
    const { scrape } = setUp(sourceOf(() => piecesOf("a 1\n", "b 2\n")));
    const slow = new FakeResponse();
    slow.canTakeMore = false;
    const { req, done } = scrape(slow);
    const second = scrape(undefined, "GET", req);
    expect(await second.done).toBe(503);
    expect(second.res.body).toMatch(/on this connection already; wait/);
    expect(await scrape().done).toBe(200);
    slow.canTakeMore = true;
    slow.emit("drain");
    await done;
    expect(await scrape(undefined, "GET", req).done).toBe(200);
  });

  it("lets go of a response that hears nothing of its connection's end, as those behind others do", async () => {
    const { scrape } = setUp(sourceOf(() => piecesOf("a 1\n", "b 2\n")));
    const queued = new FakeResponse();
    queued.canTakeMore = false;
    const { req, done } = scrape(queued);
    await turns(3);
    Object.assign(req.socket, { destroyed: true });
    req.socket.emit("close");
    expect(await done).toBe(200);
    expect(queued.body).toBe("a 1\n");
    expect(req.socket.listenerCount("close")).toBe(0);
  });
});
