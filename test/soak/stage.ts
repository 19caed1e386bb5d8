import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findServer, missing } from "../../scripts/programs.js";
import type { Row } from "../faults/row.js";
import { loadRows } from "../faults/rows.js";
import { startStrangers } from "../faults/strangers.js";
import { createCertificates } from "../servers/certificates.js";
import { startToxiproxy } from "../servers/toxiproxy.js";
import { FlappingSink } from "./flapping-sink.js";
import { Lane } from "./lane.js";
import { withStandIn } from "./milvus-stand-in.js";
import type { SoakOptions } from "./options.js";

/** Everything around the agent, and how it is all taken away. */
export interface Surrounding {
  readonly folder: string;
  readonly lanes: readonly Lane[];
  readonly sink: FlappingSink;
  /** Kinds that are not soaked, and why. */
  readonly leftOut: readonly string[];
  close(): Promise<void>;
}

/** Whatever the starters put into the system's folder for such things goes into one, which is removed as a whole. */
export async function setStage(options: SoakOptions): Promise<Surrounding> {
  const folder = mkdtempSync(join(tmpdir(), "healthspan-soak-"));
  // PostgreSQL refuses to be root, and has to get at its data.
  chmodSync(folder, 0o755);
  process.env.TMPDIR = folder;
  // Its server would write a line here for each handshake that fails.
  process.env.GRPC_VERBOSITY = "NONE";
  const closers: (() => Promise<unknown> | unknown)[] = [];
  const janitor = startJanitor(folder);
  const close = async () => {
    // What was started last ends first.
    for (const closeOne of closers.reverse()) await Promise.resolve(closeOne()).catch(() => undefined);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    janitor.stdin?.end();
    await once(janitor, "exit");
  };
  try {
    const certificates = await createCertificates(join(folder, "certificates"));
    const toxiproxy = await startToxiproxy();
    closers.push(() => toxiproxy.close());
    const strangers = await startStrangers(certificates);
    closers.push(() => strangers.close());
    const sink = await FlappingSink.start();
    closers.push(() => sink.close());
    const passwords = { password: "so4ked/s3cret+of%it", wrongPassword: "wr0ng/s3cret+of%it" };
    const leftOut: string[] = [];
    const rows = (await chosenRows(options)).filter(({ name, needs }) => {
      const lacking = needs.filter((need) => findServer(need) === undefined);
      if (lacking.length > 0) leftOut.push(`${name}: ${lacking.map(missing).join("; ")}`);
      return lacking.length === 0;
    });
    const lanes: Lane[] = [];
    const open = async (row: Row) => {
      try {
        const lane = await Lane.open(row, { certificates, toxiproxy, strangers, ...passwords });
        if (!lane) return;
        lanes.push(lane);
        closers.push(() => lane.close());
      } catch (error) {
        leftOut.push(`${row.name}: ${(error as Error).message}`);
      }
    };
    await Promise.all(rows.map(open));
    return { folder, lanes, sink, leftOut, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function chosenRows({ kinds, realMilvus }: SoakOptions): Promise<readonly Row[]> {
  const rows = await loadRows();
  const unknown = kinds?.find((kind) => rows.every((row) => row.kind !== kind));
  if (unknown !== undefined)
    throw new Error(`no kind is named ${unknown}; there are ${rows.map(({ kind }) => kind).join(", ")}`);
  return rows
    .filter(({ kind }) => kinds?.includes(kind) ?? true)
    .map((row) => (row.kind === "milvus" && !realMilvus ? withStandIn(row) : row));
}

/** In a group of its own, which Ctrl-C does not reach. */
function startJanitor(folder: string): ChildProcess {
  const program = fileURLToPath(new URL("janitor.mjs", import.meta.url));
  const child = spawn(process.execPath, [program, String(process.pid), folder], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  child.stdin.on("error", () => undefined);
  return child;
}
