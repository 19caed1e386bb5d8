import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

/** A fresh copy, so that it looks at the machine that the test pretends to be on. */
function load(): Promise<typeof import("../servers/available.js")> {
  vi.resetModules();
  return import("../servers/available.js");
}

describe("a suite that needs a server", () => {
  let folder: string;
  const leftOut = () => join(folder, "left-out.jsonl");

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "healthspan-available-"));
    vi.stubEnv("PATH", folder);
    vi.stubEnv("CI", "");
    vi.stubEnv("HEALTHSPAN_LEFT_OUT", leftOut());
  });

  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  it("runs when the server's program is on the PATH", async () => {
    const program = join(folder, "redis-server");
    writeFileSync(program, "");
    chmodSync(program, 0o755);
    const { requireServer, serverPath } = await load();
    expect(requireServer("redis-server")).toBe(true);
    expect(serverPath("redis-server")).toBe(program);
    expect(existsSync(leftOut())).toBe(false);
  });

  it("is left out and recorded when the machine has no such server", async () => {
    const { requireServer } = await load();
    expect(requireServer("redis-server")).toBe(false);
    const [line = ""] = readFileSync(leftOut(), "utf8").split("\n");
    expect(JSON.parse(line)).toMatchObject({
      server: "redis-server",
      reason: expect.stringContaining("npm run servers"),
    });
  });

  it("fails in CI when the machine has no such server", async () => {
    vi.stubEnv("CI", "true");
    const { requireServer } = await load();
    expect(() => requireServer("redis-server")).toThrow('redis-server is not installed; "npm run servers" installs it');
  });

  it("takes a file that cannot be executed for no server", async () => {
    writeFileSync(join(folder, "redis-server"), "", { mode: 0o644 });
    const { findServer } = await load();
    expect(findServer("redis-server")).toBeUndefined();
  });
});
