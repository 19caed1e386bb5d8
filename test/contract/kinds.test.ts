import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Check, CheckFailure, type CheckKind, type FactValue, optionsJsonSchema } from "../../src/check.js";
import { kinds } from "../../src/kinds/index.js";
import { requireServer } from "../servers/available.js";
import { type Certificates, createCertificates } from "../servers/certificates.js";
import { freePort } from "../servers/free-port.js";
import { runOnce } from "../servers/run.js";
import type { AbortReport } from "./abort-child.js";
import type { CreationReport } from "./create-child.js";
import { contractOf, isNotApplicable, type KindContract, type Options, type Stage } from "./kind-contract.js";
import { formsOf, printed, publishedBy } from "./leaks.js";
import { listenAndEcho, listenAndQuote, listenSilently as listenSilentlyByTcp, type Peer } from "./peers.js";
import { secretPaths } from "./secret-paths.js";

const execute = promisify(execFile);
const plantedSecret = "pl4nted/s3cret+of%the suite";
const anyPort = 9;
/** A run may take this long after its abort; `DESIGN`: timeout + 100 ms, and some for a busy machine. */
const settledWithinMs = 300;
/** From its first connection on, a run has come to where it waits for the peer. */
const wellUnderWayMs = 300;

const contracts = new Map<string, KindContract>();
for (const { kind } of kinds) contracts.set(kind, await contractOf(kind));

let certificates: Certificates;
const certificateDir = mkdtempSync(join(tmpdir(), "healthspan-contract-"));
beforeAll(async () => {
  if (requireServer("openssl")) certificates = await createCertificates(certificateDir);
});
afterAll(() => rmSync(certificateDir, { recursive: true, force: true }));

describe("the list of kinds", () => {
  it("names each kind once, and there are some", () => {
    expect(kinds.length).toBeGreaterThan(0);
    expect(new Set(kinds.map(({ kind }) => kind)).size).toBe(kinds.length);
  });

  it("creates checks without I/O: no driver is loaded, nothing is opened, looked up or started", async () => {
    const optionsByKind = Object.fromEntries(kinds.map(({ kind }) => [kind, leastOptions(contractFor(kind))]));
    const { stdout } = await execute(process.execPath, [
      "--import",
      "tsx",
      childPath("create-child.ts"),
      JSON.stringify(optionsByKind),
    ]);
    const report = JSON.parse(stdout) as CreationReport & { readonly checks: number };
    expect(report.checks).toBe(kinds.length);
    expect(report.packages).toEqual(["zod"]);
    expect(report.calls).toEqual([]);
    expect(report.resources).toEqual([]);
  });
});

describe.each(kinds.map((kind) => [kind.kind, kind] as const))("kind %s", (name, kind) => {
  const contract = contractFor(name);
  const { at, listenSilently = listenSilentlyByTcp } = contract;
  const create = (options: Options): Check => kind.create(kind.options.parse(options));

  if (!isNotApplicable(at)) {
    it("calls a dead port refused, keeps to its deadline and leaves nothing open", async () => {
      const check = create(at(await freePort()));
      const { failure, durationMs } = await runOnce(check, { timeoutMs: 2_000 });
      expect(failure?.reason).toBe("refused");
      expect(durationMs).toBeLessThan(2_000 + settledWithinMs);
      await check.close?.();
    });

    it("settles at its deadline with the deadline's own failure when the server never answers", async () => {
      const peer = await listenSilently();
      const check = create(at(peer.port));
      const { failure, durationMs } = await runOnce(check, { timeoutMs: 300 });
      expect(failure?.reason).toBe("timeout");
      expect(durationMs).toBeLessThan(300 + settledWithinMs);
      await expectNoConnections(peer);
      await check.close?.();
      await peer.close();
    });

    it("honours an abort and leaves no socket and no timer", async () => {
      const peer = await listenSilently();
      const report = await abortInChild(name, at(peer.port), peer);
      expect(report.message).toBe("shutting down");
      expect(report.settledAfterMs).toBeLessThan(settledWithinMs);
      expect(report.resources).toEqual([]);
      expect(peer.takenConnections).toBeGreaterThan(0);
      await expectNoConnections(peer);
      await peer.close();
    });

    it("does not start at all when it is already called off", async () => {
      const peer = await listenSilently();
      const check = create(at(peer.port));
      const { failure } = await runOnce(check, {
        signal: AbortSignal.abort(new CheckFailure("unavailable", "shutting down")),
      });
      expect(failure?.message).toBe("shutting down");
      await expectNoConnections(peer);
      await check.close?.();
      await peer.close();
    });

    it("can be closed twice, unused and during a run", async () => {
      const peer = await listenSilently();
      const unused = create(at(peer.port));
      await unused.close?.();
      await unused.close?.();
      const check = create(at(peer.port));
      const running = runOnce(check, { timeoutMs: 500 });
      await expect.poll(() => peer.takenConnections).toBeGreaterThan(0);
      await check.close?.();
      await check.close?.();
      expect((await running).outcome).toBeUndefined();
      await expectNoConnections(peer);
      await peer.close();
    });
  }

  if (isNotApplicable(at)) {
    it("honours an abort and can be closed twice, though it asks nobody", async () => {
      const check = create(contract.plain ?? {});
      const signal = AbortSignal.abort(new CheckFailure("unavailable", "shutting down"));
      const { failure, durationMs } = await runOnce(check, { signal });
      expect(failure?.message).toBe("shutting down");
      expect(durationMs).toBeLessThan(settledWithinMs);
      await check.close?.();
      await check.close?.();
    });
  }

  describe.skipIf(!isInstalled(contract.healthy))("against a healthy server", () => {
    it("is healthy run after run, and brings only facts that it declares, typed as declared", async () => {
      const staged = await contract.healthy.start();
      const check = create(staged.options);
      for (let run = 0; run < 3; run++) {
        const { outcome, failure } = await runOnce(check, { timeoutMs: 5_000 });
        expect(failure?.message).toBeUndefined();
        expect(outcome?.status).not.toBe("unhealthy");
        for (const [fact, value] of Object.entries(outcome?.facts ?? {})) {
          if (kind.hasOpenFacts && !Object.hasOwn(kind.facts, fact)) continue;
          expect(Object.keys(kind.facts)).toContain(fact);
          expect(`${fact}: ${typeOf(value)}`).toBe(`${fact}: ${kind.facts[fact]?.type}`);
        }
      }
      await check.close?.();
      await staged.remove();
    });
  });

  const { wrongCredentials } = contract;
  if (!isNotApplicable(wrongCredentials)) {
    it.skipIf(!isInstalled(wrongCredentials))("calls wrong credentials auth", async () => {
      const staged = await wrongCredentials.start();
      const check = create(staged.options);
      expect((await runOnce(check, { timeoutMs: 5_000 })).failure?.reason).toBe("auth");
      await check.close?.();
      await staged.remove();
    });
  }

  it.skipIf(!requireServer("openssl"))("is tried with a secret in every option that the schema marks as one", () => {
    const planted = contract.planted({ secret: plantedSecret, port: anyPort, certificates });
    expect([...new Set(planted.map(({ path }) => path))].sort()).toEqual(secretPaths(optionsJsonSchema(kind)));
  });

  const strangers = { "a dead port": undefined, "an echo": listenAndEcho, "a quoting server": listenAndQuote };
  it.skipIf(!requireServer("openssl")).each(Object.entries(strangers))(
    "gives no planted secret away at %s",
    async (_what, listenAs) => {
      const peer = await listenAs?.();
      const port = peer?.port ?? (await freePort());
      for (const { path, secret, options } of contract.planted({ secret: plantedSecret, port, certificates })) {
        await expectNoLeak(kind, { path, secret, options });
      }
      await peer?.close();
    },
  );
});

async function expectNoLeak(kind: CheckKind, planted: { path: string; secret: string; options: Options }) {
  const options = kind.options.parse(planted.options);
  const check = kind.create(options);
  const result = await runOnce(check, { timeoutMs: 700 });
  await check.close?.();
  for (const text of [publishedBy(kind, options, result), printed(check)]) {
    for (const form of formsOf(planted.secret)) {
      expect(text.includes(form), `${planted.path} appears as ${form} in\n${text}`).toBe(false);
    }
  }
}

function contractFor(kind: string): KindContract {
  const contract = contracts.get(kind);
  if (!contract) throw new Error(`no contract of ${kind}`);
  return contract;
}

function leastOptions({ at, plain }: KindContract): Options {
  return isNotApplicable(at) ? (plain ?? {}) : at(anyPort);
}

function isInstalled(stage: Stage): boolean {
  return stage.needs.map(requireServer).every(Boolean);
}

async function expectNoConnections(peer: Peer): Promise<void> {
  await expect.poll(() => peer.openConnections).toBe(0);
}

/**
 * Aborts a run that the peer has seen: how long its driver takes to load is the machine's affair.
 * Rejects when the process does not end by itself: then something was left open.
 */
async function abortInChild(kind: string, options: Options, peer: Peer): Promise<AbortReport> {
  const args = ["--import", "tsx", childPath("abort-child.ts"), kind, JSON.stringify(options)];
  const running = execute(process.execPath, args, { timeout: 25_000 });
  await expect.poll(() => peer.takenConnections, { timeout: 20_000 }).toBeGreaterThan(0);
  await delay(wellUnderWayMs);
  running.child.stdin?.end();
  const { stdout } = await running;
  return JSON.parse(stdout) as AbortReport;
}

function childPath(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

function typeOf(value: FactValue): string {
  return Array.isArray(value) ? "list" : typeof value;
}
