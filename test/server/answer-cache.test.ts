import { describe, expect, it } from "vitest";
import { textAnswer } from "../../src/server/answer.js";
import { createAnswerCache } from "../../src/server/answer-cache.js";
import { FakeSource } from "./fake-source.js";

function setUp(costMs = 0) {
  const source = new FakeSource({ redis: { status: "healthy", critical: true } });
  let nowMs = 1_000;
  let built = 0;
  const cache = createAnswerCache(source, () => nowMs);
  const build = () => {
    built += 1;
    nowMs += costMs;
    return textAnswer(200, "healthy", String(built));
  };
  return {
    source,
    get: (key = "readyz", options = {}) => cache.get(key, build, options).body.toString(),
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

describe("the answer cache", () => {
  it("builds an answer once, and again after 100 ms", () => {
    const { get, pass } = setUp();
    expect([get(), get()]).toEqual(["1", "1"]);
    pass(99);
    expect(get()).toBe("1");
    pass(1);
    expect(get()).toBe("2");
  });

  it("builds again at once when a result came", () => {
    const { source, get } = setUp();
    get();
    source.set("redis", { status: "degraded", critical: true });
    expect(get()).toBe("2");
  });

  it.each([
    ["phase", { phase: "draining" }],
    ["liveness", { isAlive: false }],
    ["start", { hasStarted: false }],
  ] as const)("shows a new %s at once, even where the body is dear", (_what, change) => {
    const { source, get } = setUp(40);
    get();
    Object.assign(source, change);
    expect(get()).toBe("2");
  });

  it("shows a new status at once, even where the body is dear", () => {
    const { source, get } = setUp(40);
    get();
    source.set("redis", { status: "unhealthy", critical: true });
    expect(get()).toBe("2");
  });

  it("lets newer facts wait where building takes milliseconds, at most a second", () => {
    const { source, get, pass } = setUp(10);
    get();
    source.revision += 1;
    expect(get()).toBe("1");
    pass(190);
    expect(get()).toBe("2");

    const dear = setUp(400);
    dear.get();
    dear.source.revision += 1;
    dear.pass(599);
    expect(dear.get()).toBe("1");
    dear.pass(1);
    expect(dear.get()).toBe("2");
  });

  it("never lets an answer with a verdict of its own wait", () => {
    const { source, get } = setUp(40);
    get("readyz/redis", { hasOwnVerdict: true });
    source.revision += 1;
    expect(get("readyz/redis", { hasOwnVerdict: true })).toBe("2");
  });

  it("stays bounded, whatever keys clients make up", () => {
    const { get } = setUp();
    get("first");
    for (let index = 0; index < 1_000; index += 1) get(`made up ${index}`);
    expect(get("first")).toBe("1002");
  });
});
