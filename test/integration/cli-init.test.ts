import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { listensHere } from "../../src/discovery/listening.js";
import { buildCommandLine, type CommandLine } from "../servers/command-line.js";
import { freePort } from "../servers/free-port.js";

let cli: CommandLine;
let folder: string;

beforeAll(async () => {
  cli = await buildCommandLine();
});

afterAll(() => cli.remove());

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "healthspan-init-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const env = { DATABASE_URL: "postgres://app:s3cret@127.0.0.1:1/app" };
const init = (...words: readonly string[]) => cli.run(["init", ...words], { cwd: folder, env });
const read = (name = "healthspan.yaml") => readFileSync(join(folder, name), "utf8");

describe("healthspan init", () => {
  it("writes a file that is valid as it stands, says what is in it and what to do next", async () => {
    const { code, stdout, stderr } = await init();
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^Wrote healthspan\.yaml\n/);
    expect(stdout).toMatch(/^database +postgres +critical +DATABASE_URL is set$/m);
    expect(stdout).toMatch(/\nNext: .*\n {2}healthspan check /);
    expect(read()).toContain(`name: ${basename(folder)}`);
    expect(read() + stdout).not.toContain("s3cret");
    const valid = await cli.run(["validate"], { cwd: folder, env });
    expect(valid).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^valid: \d+ checks from healthspan\.yaml\n/m),
    });
  });

  it("names the service as the package does", async () => {
    writeFileSync(join(folder, "package.json"), '{ "name": "@acme/checkout api", "version": "1.4.2" }');
    await init();
    expect(read()).toContain('name: checkout-api\n  # version: "1.4.2"');
  });

  it("replaces no file unless told to", async () => {
    writeFileSync(join(folder, "healthspan.yaml"), "mine");
    const refused = await init();
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/^healthspan: healthspan\.yaml exists; --force replaces it, .*\n$/);
    expect(read()).toBe("mine");
    expect((await init("--force")).code).toBe(0);
    expect(read()).toContain("checks:");
  });

  it("writes where it is told to, and names that file in what comes next", async () => {
    const { stdout } = await init("-o", "other.yaml");
    expect(read("other.yaml")).toContain("checks:");
    expect(stdout).toContain("healthspan check --config other.yaml");
    const lost = await init("-o", "nowhere/other.yaml");
    expect(lost).toMatchObject({ code: 1, stderr: expect.stringContaining("no such folder; create it") });
    const refused = await init("-o", ".");
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("it is a folder; name a file in it") });
  });

  it("shows commands that a shell understands, whatever the file is called", async () => {
    const { stdout } = await init("-o", "it's mine.yaml");
    expect(stdout).toContain(String.raw`healthspan check --config 'it'\''s mine.yaml'  `);
  });

  it("prints the file and nothing else with --stdout, whatever lies there", async () => {
    writeFileSync(join(folder, "healthspan.yaml"), "mine");
    const { code, stdout, stderr } = await init("--stdout");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^# What Healthspan checks/);
    expect(read()).toBe("mine");
    expect((await init("--stdout", "--force")).code).toBe(64);
  });
});

describe("whether something listens here", () => {
  it("is seen by a connection that is closed again", async () => {
    const server = createServer();
    const closed = new Promise<string>((resolve) => {
      server.on("connection", (socket) => {
        let said = "";
        socket.on("data", (bytes) => {
          said += bytes;
        });
        socket.on("error", () => {}).on("close", () => resolve(said));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    expect(await listensHere(typeof address === "object" && address ? address.port : 0)).toBe("127.0.0.1");
    expect(await closed).toBe("");
    server.close();
    expect(await listensHere(await freePort())).toBeUndefined();
  });

  it("is seen where it listens on IPv6 alone", async () => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen({ port: 0, host: "::1", ipv6Only: true }, resolve));
    const address = server.address();
    expect(await listensHere(typeof address === "object" && address ? address.port : 0)).toBe("[::1]");
    server.close();
  });
});
