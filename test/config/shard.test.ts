import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { printConfig } from "../../src/config/print.js";
import { isOnShard, shardOf } from "../../src/config/shard.js";
import { configOf, load, loadText, problemsOf } from "./load.js";

const names = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `check-${index}`);
const checkName = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/);
const shards = fc.integer({ min: 1, max: 64 });

describe("shardOf", () => {
  it("puts every check on exactly one shard", () => {
    fc.assert(
      fc.property(checkName, shards, (name, of) => {
        const owners = Array.from({ length: of }, (_, index) => index).filter((index) =>
          isOnShard(name, { index, of }),
        );
        expect(owners).toEqual([shardOf(name, of)]);
      }),
    );
  });

  it("moves only the checks of the shard that goes, and to a new shard only what it wins", () => {
    fc.assert(
      fc.property(checkName, shards, (name, of) => {
        const [before, after] = [shardOf(name, of + 1), shardOf(name, of)];
        if (before < of) expect(after).toBe(before);
        expect(after).toBeLessThan(of);
      }),
    );
  });

  it("moves the sixth's checks, about a sixth of them, when six become five", () => {
    const moved = names(6_000).filter((name) => shardOf(name, 5) !== shardOf(name, 6));
    expect(moved.every((name) => shardOf(name, 6) === 5)).toBe(true);
    expect(moved.length).toBeGreaterThan(900);
    expect(moved.length).toBeLessThan(1_100);
    // They are spread over those that stay, not heaped on a neighbour.
    for (let index = 0; index < 5; index += 1) {
      expect(moved.filter((name) => shardOf(name, 5) === index).length).toBeGreaterThan(140);
    }
  });

  it("shares evenly whatever the names have in common", () => {
    const styles = [
      (index: number) => `check-${index}`,
      (index: number) => `${index}.payments.example.org`,
      (index: number) => `tenant${Math.floor(index / 10)}-db${index % 10}`,
    ];
    for (const style of styles) {
      for (const of of [2, 6, 50]) {
        const owners = Array.from({ length: 4_000 }, (_, index) => shardOf(style(index), of));
        const counts = Array.from({ length: of }, (_, shard) => owners.filter((owner) => owner === shard).length);
        const mean = 4_000 / of;
        // Five standard deviations of a fair draw.
        const slack = 5 * Math.sqrt(mean * (1 - 1 / of));
        expect(Math.max(...counts)).toBeLessThan(mean + slack);
        expect(Math.min(...counts)).toBeGreaterThan(mean - slack);
      }
    }
  });

  it("never changes its mind, since agents of two versions share a config during a rollout", () => {
    expect(["database", "redis", "milvus", "a", "check-17"].map((name) => shardOf(name, 6))).toEqual([5, 3, 0, 5, 2]);
  });
});

const config = `checks: [${names(40)
  .map((name) => `{ name: ${name}, kind: host }`)
  .join(", ")}, { name: off, kind: host, enabled: false }]`;
const variables = (index: number, of: number) => ({
  HEALTHSPAN_SHARD_INDEX: String(index),
  HEALTHSPAN_SHARD_OF: String(of),
});
const namesOf = (text: string, env = {}): readonly string[] =>
  configOf(loadText(text, env)).checks.map(({ policy }) => policy.name);

describe("a config with a shard", () => {
  it("has the checks of its shard, and all shards together every check once", () => {
    const all = [0, 1, 2].flatMap((index) => namesOf(config, variables(index, 3)));
    expect([...all].sort()).toEqual([...namesOf(config)].sort());
    expect(all).toHaveLength(40);
  });

  it("says how many of how many checks it runs", () => {
    const loaded = configOf(loadText(config, variables(1, 3)));
    const line = `shard 1 of 3 (counted from 0) runs ${loaded.checks.length} of 40 checks`;
    expect(loaded.notices).toContain(line);
    const printed = printConfig(loaded);
    expect(printed.split("\n")[0]).toBe(`# ${line}`);
    expect(printed).toContain("shard:\n  index: 1 # HEALTHSPAN_SHARD_INDEX\n  of: 3 # HEALTHSPAN_SHARD_OF\n");
    expect(printConfig(configOf(loadText(config)))).not.toContain("shard");
  });

  it("does not call a config empty whose checks all run elsewhere", () => {
    const { notices } = configOf(loadText("checks: [{ name: a, kind: host }]", variables(1 - shardOf("a", 2), 2)));
    expect(notices.join()).toContain("runs 0 of 1 checks");
    expect(notices.join()).not.toContain("no checks are configured");
  });

  it("takes its place from the file too, the file winning", () => {
    const text = `shard: { index: "\${env:POD}", of: 3 }\n${config}`;
    expect(namesOf(text, { POD: "2", ...variables(0, 9) })).toEqual(namesOf(config, variables(2, 3)));
  });

  it("has the same hash on every shard, and another one with another number of shards", () => {
    const hash = (env = {}) => configOf(loadText(config, env)).hash;
    expect(hash(variables(0, 3))).toBe(hash(variables(2, 3)));
    expect(hash(variables(0, 3))).not.toBe(hash(variables(0, 4)));
    expect(hash(variables(0, 3))).not.toBe(hash());
  });

  it("reports the mistakes in checks of other shards", () => {
    const text = "checks: [{ name: a, kind: host, disk: x }]";
    for (const index of [0, 1]) expect(problemsOf(loadText(text, variables(index, 2)))).toHaveLength(1);
  });

  it("is taken whole across shards", () => {
    const whole = configOf(load({ "healthspan.yaml": config }, { env: variables(1, 3), acrossShards: true }));
    expect(whole.checks).toHaveLength(40);
    expect(whole.shard).toBeUndefined();
  });

  it("is no shard where both variables are empty", () => {
    expect(namesOf(config, { HEALTHSPAN_SHARD_INDEX: "", HEALTHSPAN_SHARD_OF: "" })).toHaveLength(40);
  });

  it.each([
    [
      { HEALTHSPAN_SHARD_OF: "3" },
      "environment HEALTHSPAN_SHARD_INDEX shard.index: is missing; set HEALTHSPAN_SHARD_INDEX to a number",
    ],
    [{ HEALTHSPAN_SHARD_INDEX: "", HEALTHSPAN_SHARD_OF: "3" }, "HEALTHSPAN_SHARD_INDEX shard.index"],
    [{ HEALTHSPAN_SHARD_INDEX: "1", HEALTHSPAN_SHARD_OF: "" }, "HEALTHSPAN_SHARD_OF shard.of"],
    [{ HEALTHSPAN_SHARD_INDEX: "1" }, "shard.of"],
    [variables(3, 3), "shard.index: is not below `of`, so that it would run nothing; write 0 to 2, or a greater `of`"],
    [variables(-1, 3), "shard.index"],
    [variables(0, 0), "shard.of"],
    [variables(0.5, 3), "shard.index"],
    [{ HEALTHSPAN_SHARD_INDEX: "healthspan-1", HEALTHSPAN_SHARD_OF: "3" }, "HEALTHSPAN_SHARD_INDEX shard.index"],
  ])("is refused with %j", (env, problem) => {
    const problems = problemsOf(loadText(config, env));
    expect(problems.join("\n")).toContain(problem);
    expect(problems).toHaveLength(1);
  });
});
