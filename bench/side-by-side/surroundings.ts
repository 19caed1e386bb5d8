import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../scripts/stack/free-port.js";
import { PostgresServer } from "../../test/servers/postgres.js";
import { NeutralTarget } from "../machine/neutral-target.js";
import { usageOf } from "../machine/processes.js";
import type { Load } from "./scenarios.js";
import type { BenchCheck, Surroundings } from "./systems/system.js";

/** What a load needs around the measured system: targets, a sink for OTLP, a folder. */
export class BenchSurroundings implements Surroundings {
  readonly freePort = freePort;

  private constructor(
    readonly folder: string,
    readonly target: NeutralTarget,
    readonly checks: readonly BenchCheck[],
    private readonly postgres: PostgresServer | undefined,
  ) {}

  static async create(loads: readonly Load[]): Promise<BenchSurroundings> {
    const folder = mkdtempSync(join(tmpdir(), "healthspan-bench-"));
    const tcpPorts = loads.reduce((sum, { kind, checks }) => sum + (kind === "tcp" ? checks : 0), 0);
    const target = await NeutralTarget.start({ tcpPorts });
    const postgres = loads.some(({ kind }) => kind === "postgres") ? await startPostgres() : undefined;
    const checks = loads.flatMap((load) => checksOf(load, target, postgres));
    return new BenchSurroundings(folder, target, checks, postgres);
  }

  get sinkUrl(): string {
    return this.target.sinkUrl;
  }

  /** CPU seconds of everything here but the measured system. */
  get cpuSeconds(): number {
    const { user, system } = process.cpuUsage();
    const servers = [this.target.pid, ...(this.postgres ? [this.postgres.pid] : [])];
    return usageOf(servers).cpuSeconds + (user + system) / 1e6;
  }

  /** Connections that PostgreSQL has seen to their end; it sees no checks, so there are no intervals of them. */
  async sessions(): Promise<number | undefined> {
    const text = "select sessions::int from pg_stat_database where datname = 'postgres'";
    return (await this.postgres?.query<{ sessions: number }>(text))?.[0]?.sessions;
  }

  async remove(): Promise<void> {
    this.target.stop();
    await this.postgres?.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Without sign-in: no hash is to be measured. */
async function startPostgres(): Promise<PostgresServer> {
  const server = await PostgresServer.start({ build: "postgresql", settings: ["max_connections = 300"] });
  await server.addSignInRules(["host all all 127.0.0.1/32 trust"]);
  return server;
}

function checksOf(load: Load, { ports }: NeutralTarget, postgres: PostgresServer | undefined): readonly BenchCheck[] {
  const prefix = keyPrefix(load);
  return Array.from({ length: load.checks }, (_, index) => {
    const name = `${prefix.replaceAll("/", "")}-${String(index).padStart(5, "0")}`;
    const targets = {
      http: () => `http://127.0.0.1:${ports.httpPort}${prefix}${index}`,
      tcp: () => `127.0.0.1:${ports.tcpPorts[index]}`,
      postgres: () => `postgres://postgres@127.0.0.1:${postgres?.port}/postgres`,
    };
    return { ...load, name, target: targets[load.kind]() };
  });
}

/** What the target notes the probes of a load by; the rest of the key is the check's number. */
export function keyPrefix({ kind, isHanging = false }: Load): string {
  if (kind === "http") return isHanging ? "/hang/" : "/c/";
  return `${kind}/`;
}
