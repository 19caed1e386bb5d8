import { describe, expect, it } from "vitest";
import { expectFailure } from "../../../src/cli/doctor/expect-failure.js";
import type { FullReport } from "../../../src/cli/doctor/read-report.js";
import { broken, entry, full, impatient, patient, reply, scripted } from "./answers.js";

const healthy = full({ db: entry(), "my cache": entry({ critical: false }) });
const dbDown = full({ db: broken(), "my cache": entry({ critical: false }) }, { reason: "db is unhealthy" });
const cacheDown = full({ db: entry(), "my cache": broken({ critical: false }) });
const before = healthy as unknown as FullReport;

describe("an expected failure", () => {
  it("passes by the 503 of a critical check, and says after how long and why", async () => {
    const ask = scripted({
      "/readyz": [reply(200, healthy), reply(503, dbDown)],
      "/health": [reply(200, healthy), reply(200, dbDown)],
    });
    const finding = await expectFailure({ ...patient, ask, name: "db", report: before });
    expect(finding.result).toBe("passed");
    expect(finding.message).toMatch(/^\/readyz answers 503 after \d+\.\d s: db, refused: connection refused$/);
  });

  it("asks for an optional check by its own path, since it never gates", async () => {
    const ask = scripted({ "/readyz/my%20cache": reply(503, broken()), "/health": reply(200, cacheDown) });
    expect((await expectFailure({ ...patient, ask, name: "my cache", report: before })).result).toBe("passed");
    expect(ask.asked).not.toContain("/readyz");
  });

  it("knows a check that is not there, and one that fails already", async () => {
    const ask = scripted({});
    const missing = await expectFailure({ ...patient, ask, name: "dbb", report: before });
    expect(missing).toMatchObject({ result: "unknown", message: "no check is named dbb; did you mean db?" });
    const report = dbDown as unknown as FullReport;
    expect(await expectFailure({ ...patient, ask, name: "db", report })).toMatchObject({
      result: "unknown",
      message: "db fails already",
    });
    expect((await expectFailure({ ...patient, ask, name: "constructor", report: before })).result).toBe("unknown");
    expect(ask.asked).toEqual([]);
  });

  it("gives up after the time it was given, and says how a failure comes about", async () => {
    const ask = scripted({ "/readyz": reply(200, healthy), "/health": reply(200, healthy) });
    const finding = await expectFailure({ ...impatient, ask, name: "db", report: before });
    expect(finding).toMatchObject({ result: "failed", next: expect.stringContaining("--timeout") });
  });

  it("says that no check gates where readiness is the agent's own", async () => {
    const ask = scripted({ "/readyz": reply(200, dbDown), "/health": reply(200, dbDown) });
    const finding = await expectFailure({ ...patient, ask, name: "db", report: before });
    expect(finding).toMatchObject({ result: "failed", next: expect.stringContaining("readiness: agent") });
  });

  it("does not take the 503 of another check for this one's", async () => {
    const other = full({ db: entry(), "my cache": entry({ critical: false }) }, { reason: "milvus is unhealthy" });
    const ask = scripted({ "/readyz": reply(503, other), "/health": reply(200, other) });
    const finding = await expectFailure({ ...patient, ask, name: "db", report: before });
    expect(finding).toMatchObject({ result: "failed", message: expect.stringContaining("milvus is unhealthy") });
  });

  it("does not take an agent that stops, or is gone, for a failed check", async () => {
    const draining = full({ db: entry() }, { phase: "draining" });
    const stopping = scripted({ "/readyz": reply(503, draining), "/health": reply(200, draining) });
    expect(await expectFailure({ ...patient, ask: stopping, name: "db", report: before })).toMatchObject({
      result: "failed",
      message: "the agent itself is stopping",
    });
    expect(await expectFailure({ ...patient, ask: scripted({}), name: "db", report: before })).toMatchObject({
      result: "failed",
      message: expect.stringContaining("the agent itself answers no longer"),
    });
  });
});
