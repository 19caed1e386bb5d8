import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const checkout = mkdtempSync(join(tmpdir(), "healthspan-checkout-"));

beforeAll(() => {
  cpSync(join(root, "scripts"), join(checkout, "scripts"), { recursive: true });
  cpSync(join(root, "package.json"), join(checkout, "package.json"));
});
afterAll(() => rmSync(checkout, { recursive: true, force: true }));

// The first command of the README: whoever asks for a package while it is loaded asks before the packages are there.
it("loads what builds and installs before any package is installed", async () => {
  const load = 'await import("./scripts/build.mjs"); await import("./scripts/install.mjs"); console.log("loaded");';
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", load], {
    cwd: checkout,
  });
  expect(stdout).toBe("loaded\n");
});
