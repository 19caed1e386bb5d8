import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { CheckFailure } from "../../src/check.js";
import { type ExecOptions, execKind } from "../../src/kinds/exec.js";
import { requireServer, serverPath } from "../servers/available.js";
import { leftSince } from "../servers/leftovers.js";
import { reasonTable } from "../servers/reason-table.js";
import { type RunOnceOptions, type RunOnceResult, runOnce, slackMs } from "../servers/run.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "healthspan-exec-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (given: Partial<ExecOptions> & { command: string[] }, options?: RunOnceOptions): Promise<RunOnceResult> =>
  runOnce(execKind.create(execKind.options.parse(given)), options);
const shell = (script: string, options?: RunOnceOptions): Promise<RunOnceResult> =>
  run({ command: ["/bin/sh", "-c", script] }, options);

function file(name: string, text: string, mode = 0o755): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode });
  return path;
}

/** Processes that are or were children of this one, of a state: `Z` is a zombie. */
function childrenIn(state: string): readonly string[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => {
    const [own, parent] = stateOf(pid) ?? [];
    return own === state && parent === String(process.pid);
  });
}

/** State and parent of a process; undefined when there is none. */
function stateOf(pid: string): readonly [string, string] | undefined {
  try {
    const [, state = "", parent = ""] = /\) (\S) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    return [state, parent];
  } catch {
    return undefined;
  }
}

const isAlive = (pid: string): boolean => !["Z", undefined].includes(stateOf(pid)?.[0]);
const pidIn = (name: string): string => readFileSync(join(folder, name), "utf8").trim();

describe("a program", () => {
  it.each([
    ["longer than a fact's name", "Ab1c".repeat(40), ""],
    ["at the end of a label that is cut", "eyJhbGciOiJIUzI1NiJ9.abcdefghijklmnop", "label ".repeat(7)],
  ])("names no fact after a value of its environment: %s", async (_, TOKEN, before) => {
    const { outcome } = await run({
      command: ["/bin/sh", "-c", `echo "OK | '${before}$TOKEN'=3 n=1"`],
      env: { TOKEN },
    });
    expect(outcome?.facts).toEqual({ exit_code: 0, n: 1 });
  });

  it("is healthy when it ends with 0, and brings its exit code and performance data", async () => {
    const { outcome, spans } = await shell(
      "echo 'LOAD OK - 0.5 | load1=0.50;5;10;0 '\\''free space'\\''=12MB'; exit 0",
    );
    expect(outcome).toEqual({
      status: "healthy",
      facts: { exit_code: 0, load1: 0.5, free_space_mb: 12 },
      detail: "LOAD OK - 0.5",
    });
    const attributes = { "process.executable.name": "sh", "process.exit.code": 0, "process.pid": expect.any(Number) };
    expect(spans).toMatchObject([{ name: "sh", attributes, hasEnded: true }]);
  });

  it("gets its arguments as they are: no shell looks at them", async () => {
    const script = file("arguments", '#!/bin/sh\nprintf "%s/" "$@"\n');
    const { outcome } = await run({ command: [script, "a b", "$HOME", "*", "`id`", ""] });
    expect(outcome?.detail).toBe("a b/$HOME/*/`id`//");
  });

  it("has PATH, LC_ALL and what `env` says in its environment, and nothing of the agent's", async () => {
    vi.stubEnv("HEALTHSPAN_TEST_SECRET", "of the agent");
    vi.stubEnv("NODE_V8_COVERAGE", folder);
    const { outcome } = await run({
      command: ["/bin/sh", "-c", "/usr/bin/env | sort | tr '\\n' ' '"],
      env: { TOKEN: "t0ken" },
    });
    vi.unstubAllEnvs();
    const names = outcome?.detail?.split(" ").map((pair) => pair.split("=")[0]);
    expect(names?.filter((name) => !["PWD", "OLDPWD", "SHLVL", "_"].includes(name ?? ""))).toEqual([
      "LC_ALL",
      "PATH",
      "TOKEN",
    ]);
  });

  it("runs in `cwd`, finds itself in PATH, and reads an end from its input at once", async () => {
    const { outcome } = await run({ command: ["sh", "-c", "cat; pwd -P"], cwd: "/usr" });
    expect(outcome).toMatchObject({ status: "healthy", detail: "/usr" });
  });

  it("may take its PATH from `env`", async () => {
    file("own-program", "#!/bin/sh\necho found\n");
    const { outcome } = await run({ command: ["own-program"], env: { PATH: `${folder}:/usr/bin:/bin` } });
    expect(outcome?.detail).toBe("found");
  });

  it("says in the detail what stands among its errors when it says nothing else", async () => {
    const { failure } = await shell("echo 'no such queue' >&2; exit 2");
    expect(failure).toMatchObject({ reason: "unexpected", message: "exit code 2 (critical)", detail: "no such queue" });
  });

  it("is told by its own limits why it is bad", async () => {
    const { outcome } = await shell("echo 'WARNING | a=1;5;10 users=7;5;10'; exit 1");
    expect(outcome).toMatchObject({
      status: "degraded",
      reason: "threshold",
      message: "exit code 1 (warning): users is 7, above 5",
    });
    const { failure } = await shell("echo 'CRITICAL | free=3MB;10:;5: temp=20;@15:25;@18:22'; exit 2");
    expect(failure).toMatchObject({
      reason: "threshold",
      message: "exit code 2 (critical): free_mb is 3, below 5",
      facts: { exit_code: 2, free_mb: 3, temp: 20 },
    });
  });
});

describe("what it leaves", () => {
  it("is nothing when it does not end in time: the whole group is killed, SIGTERM ignored or not", async () => {
    const script = `trap '' TERM; (trap '' TERM; echo $$ >>/dev/null; exec sleep 300) & echo $! >${folder}/grandchild; echo $$ >${folder}/child; wait`;
    const { failure, durationMs } = await shell(script, { timeoutMs: 500 });
    expect(failure?.reason).toBe("timeout");
    expect(durationMs).toBeLessThan(500 + slackMs);
    await expect.poll(() => isAlive(pidIn("grandchild"))).toBe(false);
    await expect.poll(() => isAlive(pidIn("child"))).toBe(false);
  });

  it("is nothing when it ends and leaves a process in the background, which keeps the output open", async () => {
    const { outcome, durationMs } = await shell(`sleep 300 & echo $! >${folder}/background; echo fine`);
    expect(outcome).toMatchObject({ status: "healthy", detail: "fine" });
    expect(durationMs).toBeLessThan(2_000);
    await expect.poll(() => isAlive(pidIn("background"))).toBe(false);
  });

  it("does not hold the run up when it has left the group with the output still open", async () => {
    const script = `setsid sh -c 'echo $$ >${folder}/daemon; exec sleep 300' & while [ ! -s ${folder}/daemon ]; do :; done; echo fine`;
    const { outcome, durationMs } = await shell(script, { timeoutMs: 10_000 });
    process.kill(Number(pidIn("daemon")), "SIGKILL");
    expect(outcome).toMatchObject({ status: "healthy", detail: "fine" });
    expect(durationMs).toBeLessThan(5_000);
  });

  it("is nothing at shutdown, with the shutdown's own failure and what was said until then", async () => {
    const stop = new AbortController();
    const running = shell(`echo begun; echo $$ >${folder}/aborted; exec sleep 300`, {
      signal: stop.signal,
      timeoutMs: 20_000,
    });
    await expect.poll(() => existsSync(join(folder, "aborted")) && pidIn("aborted") !== "").toBe(true);
    stop.abort(new CheckFailure("unavailable", "shutting down"));
    const { failure } = await running;
    expect(failure).toMatchObject({ reason: "unavailable", message: "shutting down", detail: "begun" });
    expect(isAlive(pidIn("aborted"))).toBe(false);
  });

  it("is nothing once the check is closed", async () => {
    const check = execKind.create({ command: ["/bin/sh", "-c", `echo $$ >${folder}/closed; exec sleep 300`] });
    const running = runOnce(check, { timeoutMs: 20_000 });
    await expect.poll(() => existsSync(join(folder, "closed")) && pidIn("closed") !== "").toBe(true);
    await check.close?.();
    expect((await running).failure?.message).toBe("was ended by SIGKILL");
    expect(isAlive(pidIn("closed"))).toBe(false);
  });

  it("is no handle, no zombie and no listener after some hundred runs, failing and hanging ones among them", async () => {
    const listeners = process.listenerCount("exit");
    const before = process.getActiveResourcesInfo();
    const check = execKind.create({ command: ["/bin/sh", "-c", "echo x; exit 2"] });
    const missing = execKind.create({ command: [join(folder, "nowhere")] });
    const hanging = execKind.create({ command: ["sleep", "300"] });
    for (let round = 0; round < 60; round += 1) {
      await Promise.all([
        ...Array.from({ length: 4 }, () => runOnce(check, { timeoutMs: 20_000 })),
        runOnce(missing),
        runOnce(hanging, { timeoutMs: 30 }),
      ]);
    }
    expect(await leftSince(before)).toEqual([]);
    expect(childrenIn("Z")).toEqual([]);
    expect(process.listenerCount("exit")).toBe(listeners);
  });
});

describe("a hostile program", () => {
  it("that never stops writing is cut off and killed", async () => {
    const { failure, durationMs } = await run({ command: ["yes", "x".repeat(1_000)] }, { timeoutMs: 10_000 });
    expect(failure).toMatchObject({ reason: "unexpected", message: "wrote more than 64 KiB" });
    expect(failure?.detail?.length).toBeLessThanOrEqual(65_536);
    expect(durationMs).toBeLessThan(5_000);
  });

  it("that writes 100 MB costs 64 KiB of memory", async () => {
    const before = process.memoryUsage().rss;
    const { failure } = await shell("head -c 104857600 /dev/zero >&2; exit 0", { timeoutMs: 20_000 });
    expect(failure?.message).toBe("wrote more than 64 KiB");
    expect(process.memoryUsage().rss - before).toBeLessThan(60 * 1024 * 1024);
  });

  it("that writes binary noise and terminal escapes is judged by its exit code, and its text is cleaned", async () => {
    const noise = await shell("head -c 60000 /dev/urandom; exit 0");
    expect(noise.outcome?.status).toBe("healthy");
    const { outcome } = await shell("printf '\\033[31mred\\007\\n'; exit 0");
    expect(outcome?.detail).toBe("[31mred");
  });
});

describe("the reasons of docs/kinds/exec.md", async () => {
  const table = await reasonTable("exec");
  /** Every way there by which a condition comes about. */
  const conditions: Readonly<Record<string, readonly (() => Promise<RunOnceResult>)[]>> = {
    "exit code 1, and a value is beyond its own warning limit | degraded": [() => shell("echo '|a=5;4;9'; exit 1")],
    "exit code 1 | degraded": [() => shell("exit 1"), () => shell("echo '|a=5;6;4'; exit 1")],
    "exit code 2, and a value is beyond its own critical limit | unhealthy": [() => shell("echo '|a=5;;4'; exit 2")],
    "exit code 2 | unhealthy": [() => shell("exit 2"), () => shell("echo '|a=5;4;6'; exit 2")],
    "exit code 3: the plugin could not tell | unhealthy": [() => shell("exit 3")],
    "exit code 126: a shell or `env` was not allowed to start what it was told to | unhealthy": [
      () => run({ command: ["/bin/sh", "-c", file("no-program", "x", 0o644)] }),
      () => run({ command: ["/usr/bin/env", file("no-program", "x", 0o644)] }),
    ],
    "exit code 127: a shell or `env` did not find what it was told to start | unhealthy": [
      () => shell("/nowhere/at/all"),
      () => run({ command: ["/usr/bin/env", "no-such-program"] }),
    ],
    "any other exit code | unhealthy": [() => shell("exit 4"), () => shell("exit 255")],
    "a signal ended it, and it was not ours | unhealthy": [() => shell("kill -SEGV $$"), () => shell("kill -KILL $$")],
    "it wrote more than 64 KiB | unhealthy": [() => run({ command: ["yes"] })],
    "it did not end in time | unhealthy": [() => run({ command: ["sleep", "300"] }, { timeoutMs: 200 })],
    "the program does not exist, nor what its `#!` line names | unhealthy": [
      () => run({ command: ["/nowhere/at/all"] }),
      () => run({ command: ["no-such-program"] }),
      () => run({ command: ["/etc/passwd/x"] }),
      () => run({ command: [file("no-interpreter", "#!/nowhere/at/all\n")] }),
    ],
    "the folder `cwd` does not exist | unhealthy": [
      () => run({ command: ["true"], cwd: "/nowhere" }),
      () => run({ command: ["true"], cwd: "/etc/passwd" }),
    ],
    "the file is no program, or the agent may not run it | unhealthy": [
      () => run({ command: [file("no-program", "x", 0o644)] }),
      () => run({ command: [folder] }),
    ],
    // Seen where the system is at its limit; test/wire/program-failure.test.ts maps its codes.
    "the host has no room for another process | unhealthy": [],
    "the agent, or the host, has no room for another file | unhealthy": [],
  };

  it("are those of all conditions that are tested here", () => {
    expect(Object.keys(table)).toEqual(Object.keys(conditions));
  });

  it.each(Object.entries(table))("%s: %s", async (condition, reason) => {
    for (const comeAbout of conditions[condition] ?? []) {
      const { outcome, failure, spans } = await comeAbout();
      expect(failure?.reason ?? outcome?.reason).toBe(reason);
      expect(outcome?.status ?? "unhealthy").toBe(condition.split(" | ")[1]);
      expect(spans).toMatchObject([{ hasEnded: true }]);
      expect(spans[0]?.error).toBe(failure);
    }
  });

  it("say which is missing, program or folder", async () => {
    expect((await run({ command: ["/nowhere"] })).failure?.message).toBe("the program does not exist (ENOENT)");
    const whole = await run({ command: ["test -f /etc/passwd"] });
    expect(whole.failure?.message).toBe("the program with blanks in its name does not exist (ENOENT)");
    expect((await run({ command: ["true"], cwd: "/nowhere" })).failure?.message).toBe("`cwd` does not exist (ENOENT)");
  });
});

describe.skipIf(!requireServer("monitoring-plugins"))("the monitoring plugins of Debian", () => {
  const plugin = (name: string): string => join(serverPath("monitoring-plugins"), "..", name);

  it.each([
    [0, "healthy", undefined],
    [1, "degraded", "unexpected"],
    [2, undefined, "unexpected"],
    [3, undefined, "unexpected"],
  ] as const)("check_dummy %i is %s", async (code, status, reason) => {
    const { outcome, failure } = await run({ command: [plugin("check_dummy"), String(code), "as told"] });
    expect(outcome?.status).toBe(status);
    expect(outcome?.reason ?? failure?.reason).toBe(reason);
    expect(outcome?.detail ?? failure?.detail).toMatch(/: as told$/);
  });

  it("check_load brings three loads", async () => {
    const { outcome } = await run({ command: [plugin("check_load"), "-w", "900,900,900", "-c", "990,990,990"] });
    expect(outcome).toMatchObject({
      status: "healthy",
      facts: { exit_code: 0, load1: expect.any(Number), load5: expect.any(Number), load15: expect.any(Number) },
    });
  });

  it("check_procs over its limit is unhealthy by threshold, and says which figure", async () => {
    const { failure } = await run({ command: [plugin("check_procs"), "-w", "0:0", "-c", "0:0"] });
    expect(failure).toMatchObject({ reason: "threshold", facts: { exit_code: 2, procs: expect.any(Number) } });
    expect(failure?.message).toMatch(/^exit code 2 \(critical\): procs is \d+, above 0$/);
  });

  it("check_disk names a fact after each mount point", async () => {
    const { outcome } = await run({
      command: [plugin("check_disk"), "-w", "1", "-c", "0", "-p", "/", "-p", "/dev/shm"],
    });
    expect(Object.keys(outcome?.facts ?? {})).toEqual(["exit_code", "value_bytes", "dev_shm_bytes"]);
  });

  it("a plugin that is used wrongly could not tell", async () => {
    const { failure } = await run({ command: [plugin("check_load"), "--nonsense"] });
    expect(failure).toMatchObject({ reason: "unexpected", facts: { exit_code: 3 } });
  });
});
