import { describe, expect, it } from "vitest";
import { isInShare, keepsTrace } from "../../src/signals/sampling.js";

const low = `${"f".repeat(16)}0000000000000001`;
const high = `${"0".repeat(16)}ffffffffffffffff`;

describe("keepsTrace", () => {
  it("keeps every failing and every status-changing run at any ratio", () => {
    expect(keepsTrace({ traceId: high, outcome: "unhealthy", hasStatusChanged: false }, 0)).toBe(true);
    expect(keepsTrace({ traceId: high, outcome: "healthy", hasStatusChanged: true }, 0)).toBe(true);
  });

  it("keeps of the others the share that was asked for, decided by the trace id alone", () => {
    const quiet = { outcome: "healthy", hasStatusChanged: false } as const;
    expect(keepsTrace({ ...quiet, traceId: low }, 0.1)).toBe(true);
    expect(keepsTrace({ ...quiet, traceId: high }, 0.1)).toBe(false);
    expect(keepsTrace({ ...quiet, traceId: high }, 1)).toBe(true);
    expect(keepsTrace({ ...quiet, traceId: low }, 0)).toBe(false);
  });

  it("takes about a tenth of random ids at 0.1", () => {
    const ids = Array.from({ length: 10_000 }, () =>
      Array.from({ length: 32 }, () => Math.floor(Math.random() * 16).toString(16)).join(""),
    );
    const kept = ids.filter((id) => isInShare(id, 0.1)).length;
    expect(kept).toBeGreaterThan(800);
    expect(kept).toBeLessThan(1_200);
  });
});
