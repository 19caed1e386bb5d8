import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requireServer, serverPath } from "../servers/available.js";
import { buildWithoutEngine, contextNames, type Image, parseDockerfile } from "../servers/dockerfile.js";
import { freePort } from "../servers/free-port.js";

const execute = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const dockerfile = readFileSync(join(root, "Dockerfile"), "utf8");

describe("the Dockerfile", () => {
  const instructions = parseDockerfile(dockerfile);
  const last = instructions.findLastIndex(({ name }) => name === "FROM");
  const inFinal = (name: string) => instructions.slice(last).filter((instruction) => instruction.name === name);

  it("pins its base to a whole version, the same for every stage", () => {
    expect(instructions[0]).toEqual({
      name: "ARG",
      words: expect.stringMatching(/^NODE_IMAGE=node:24\.\d+\.\d+-[\w-]+$/),
    });
    const bases = instructions.filter(({ name }) => name === "FROM").map(({ words }) => words.split(" ")[0]);
    expect(bases).toEqual(["${NODE_IMAGE}", "${NODE_IMAGE}", "${NODE_IMAGE}"]);
  });

  it("runs nothing in the image itself, and starts it without a shell and without root", () => {
    expect(inFinal("RUN")).toEqual([]);
    for (const name of ["ENTRYPOINT", "CMD"]) expect(inFinal(name)[0]?.words).toMatch(/^\["/);
    expect(inFinal("HEALTHCHECK")[0]?.words).toMatch(/ CMD \["healthspan", "probe", /);
    expect(inFinal("USER")).toEqual([{ name: "USER", words: "1000:1000" }]);
  });

  it("runs no install script", () => {
    const installs = instructions.filter(({ words }) => words.startsWith("npm "));
    expect(installs).toHaveLength(2);
    for (const { words } of installs) expect(words).toContain("--ignore-scripts");
  });

  it("lets into the build what it copies, and nothing else", () => {
    const copied = instructions
      .filter(({ name, words }) => name === "COPY" && !words.startsWith("--from"))
      .flatMap(({ words }) => words.split(" ").slice(0, -1));
    expect(contextNames(readFileSync(join(root, ".dockerignore"), "utf8")).toSorted()).toEqual(
      [...new Set(copied)].sort(),
    );
  });

  describe.skipIf(!requireServer("hadolint"))("read by hadolint", () => {
    const lint = (file: string) => execute(serverPath("hadolint"), [file]);

    it("has nothing wrong", async () => {
      expect((await lint(join(root, "Dockerfile"))).stdout).toBe("");
    });

    it("would have, without a tag", async () => {
      const folder = mkdtempSync(join(tmpdir(), "healthspan-hadolint-"));
      writeFileSync(join(folder, "Dockerfile"), "FROM node\n");
      await expect(lint(join(folder, "Dockerfile"))).rejects.toThrow();
      rmSync(folder, { recursive: true });
    });
  });
});

describe("the image's steps, done on this machine", () => {
  const scratch = mkdtempSync(join(tmpdir(), "healthspan-image-"));
  let image: Image;
  const inside = (...path: string[]) => join(image.root, "opt/healthspan", ...path);

  beforeAll(async () => {
    image = await buildWithoutEngine(root, scratch);
  }, 240_000);
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  /** Like `docker run`, but for what only an engine can do. */
  const start = (words: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const [program = "", ...rest] = [...image.entrypoint, ...words];
    const child = spawn(program, rest, {
      cwd: join(image.root, image.workdir),
      env: { ...image.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    return { child, output: () => output, ended: once(child, "close").then(([code]) => code as number | null) };
  };

  it("bring the command, the drivers and nothing to build or test with", () => {
    expect(readdirSync(inside()).sort()).toEqual(["LICENSE", "bin", "dist", "node_modules", "package.json"]);
    expect(readdirSync(inside("dist"))).toEqual(["cli"]);
    // What V8 keeps is of one Node.js: here of the one that did the steps, in the image of its own.
    const code = readdirSync(inside("dist/cli/code-cache"));
    expect(code).toEqual([`v8-${process.versions.v8}-${process.arch}`]);
    const { optionalDependencies, devDependencies } = JSON.parse(readFileSync(inside("package.json"), "utf8"));
    for (const driver of Object.keys(optionalDependencies))
      expect(existsSync(inside("node_modules", driver)), driver).toBe(true);
    for (const tool of ["typescript", "vitest", "esbuild"]) {
      expect(devDependencies).toHaveProperty(tool);
      expect(existsSync(inside("node_modules", tool)), tool).toBe(false);
    }
    expect(lstatSync(inside("bin/healthspan")).isSymbolicLink()).toBe(true);
  });

  it("run an agent that is healthy by its own health check, shows no details to neighbours, and ends by SIGTERM", async () => {
    // The port inside a container is its own; here others may have it.
    const port = await freePort();
    const agent = start(image.command, {
      HEALTHSPAN_PORT: String(port),
      HEALTHSPAN_DRAIN_DELAY: "10ms",
      DATABASE_URL: "postgres://probe:secret@127.0.0.1:9/app",
    });
    const [program = "", ...rest] = image.healthCheck.map((word) => word.replace(`:${image.port}`, `:${port}`));
    const probe = (): Promise<boolean> =>
      execute(program, rest, { env: image.env }).then(
        () => true,
        () => false,
      );
    try {
      await expect.poll(probe, { timeout: 20_000 }).toBe(true);
      expect(agent.output()).toContain("0.0.0.0");
      const report = await (await fetch(`http://127.0.0.1:${port}/health`)).json();
      expect(report).not.toHaveProperty("dependencies");
      // The driver was found and loaded: a server that is not there is another failure than a package that is not.
      await expect
        .poll(async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text(), { timeout: 20_000 })
        .toMatch(/health_check_runs_total\{[^}]*error_type="refused"[^}]*\} [1-9]/);
    } finally {
      agent.child.kill("SIGTERM");
    }
    expect(await agent.ended).toBe(0);
    expect(await probe()).toBe(false);
  });

  it("write nothing: everything still works where nothing can be written", async () => {
    const before = listAll(image.root);
    const { ended, output } = start(["check", "tcp://127.0.0.1:9"]);
    expect(await ended).toBe(2);
    expect(output()).toContain("refused");
    expect(listAll(image.root)).toEqual(before);
  });
});

function listAll(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).toSorted();
}
