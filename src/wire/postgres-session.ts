import { type NetConnectOpts, Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { CheckFailure, type ClientSpan } from "../check.js";
import { guardedLookup } from "./guarded-lookup.js";
import { latePackage } from "./late-module.js";
import { postgresFailure, queryFailure, signInFailure } from "./postgres-failure.js";
import { guardParser } from "./postgres-frames.js";
import type { PostgresTarget } from "./postgres-target.js";
import { SimpleQuery, type StatementResult } from "./simple-query.js";

export interface SessionRun {
  readonly signal: AbortSignal;
  /** Milliseconds until the signal's deadline. */
  readonly timeoutMs: number;
  readonly phase?: ClientSpan["phase"];
}

export interface SessionAnswer {
  /** Of the query alone, in its order. */
  readonly statements: readonly StatementResult[];
  /** First value of the aside's first row; undefined when it failed, whatever the reason. */
  readonly aside: string | undefined;
}

export interface PostgresSession {
  /**
   * Runs the query in a transaction of its own under the server's statement_timeout; throws `CheckFailure`.
   * The aside is one more statement, run in the same round trip after the commit, whose failure is none of the query's.
   */
  query(text: string, aside?: string): Promise<SessionAnswer>;
}

/** What is used of pg's `Client`. `connection` and `getStartupConf` are not documented; pg's version is pinned. */
interface PgClient {
  readonly connection: {
    readonly stream: Socket;
    once(event: "sslconnect", listener: () => void): unknown;
    end(): void;
  };
  getStartupConf: () => Readonly<Record<string, string>>;
  connect(): Promise<unknown>;
  query(query: SimpleQuery): unknown;
  on(event: "error", listener: (error: unknown) => void): unknown;
}

/** Every field is given, since pg takes a missing or an empty one from `PG*` variables or a pgpass file. */
interface PgClientConfig {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: () => string;
  readonly database: string;
  readonly ssl: ConnectionOptions | false;
  readonly sslnegotiation: "postgres";
  readonly client_encoding: "utf8";
  readonly application_name: string;
  readonly connectionTimeoutMillis: 0;
  readonly stream: () => Socket;
}

type PgClientConstructor = new (config: PgClientConfig) => PgClient;

/** Opens a session on a socket of our own, and closes it whatever happens. Every error becomes a `CheckFailure`. */
export async function withPostgresSession<Result>(
  target: PostgresTarget,
  run: SessionRun,
  use: (session: PostgresSession) => Promise<Result>,
): Promise<Result> {
  const startMs = performance.now();
  const Client = (await loadPackage()).Client as unknown as PgClientConstructor;
  run.signal.throwIfAborted();
  const socket = new TargetSocket(whereOf(target));
  const client = createClient(Client, target, socket);
  const abort = () => socket.destroy(run.signal.reason);
  run.signal.addEventListener("abort", abort, { once: true });
  try {
    await connect(client, target, socket, run.phase);
    return await use({
      query: (text, aside = "") => query(client, text, aside, startMs + run.timeoutMs - performance.now()),
    });
  } catch (error) {
    throw run.signal.aborted ? run.signal.reason : postgresFailure(error);
  } finally {
    run.signal.removeEventListener("abort", abort);
    close(client, socket);
  }
}

const loadPackage = latePackage("pg@8", () => import("pg"));

/** pg tells its stream where to connect; this one knows, so that pg's host can be the name in the certificate. */
class TargetSocket extends Socket {
  constructor(private readonly where: NetConnectOpts) {
    super();
  }

  override connect(): this {
    return super.connect(this.where);
  }
}

function whereOf({ host, port }: PostgresTarget): NetConnectOpts {
  return host.startsWith("/") ? { path: `${host}/.s.PGSQL.${port}` } : { host, port, lookup: guardedLookup };
}

function createClient(Client: PgClientConstructor, target: PostgresTarget, socket: Socket): PgClient {
  const { port, user, database, tls } = target;
  const client = new Client({
    host: tls?.serverName ?? target.host,
    port,
    user,
    password: () => passwordOf(target),
    database,
    ssl: tls?.options() ?? false,
    sslnegotiation: "postgres",
    client_encoding: "utf8",
    application_name: applicationName,
    // The deadline is the signal's.
    connectionTimeoutMillis: 0,
    stream: () => socket,
  });
  // Also keeps PGOPTIONS and PGREPLICATION out. PgBouncer refuses any parameter but these.
  client.getStartupConf = () => ({
    user,
    database,
    application_name: applicationName,
    client_encoding: "UTF8",
    ...(target.startupOptions !== undefined && { options: target.startupOptions }),
  });
  return client;
}

const applicationName = "healthspan";

/** pg asks only when the server does; what this throws is what `connect()` rejects with. */
function passwordOf({ password }: PostgresTarget): string {
  if (password !== undefined) return password;
  throw new CheckFailure("auth", "server asks for a password and none is given");
}

async function connect(
  client: PgClient,
  { tls }: PostgresTarget,
  socket: Socket,
  phase: SessionRun["phase"],
): Promise<void> {
  // For as long as the client lives: an error without a listener (a server that stops) would end the process.
  const failed = new Promise<never>((_, reject) => client.on("error", reject));
  failed.catch(() => {});
  const finishPhase = startPhases(phase);
  socket.once("lookup", () => finishPhase("dns"));
  socket.once("connect", () => finishPhase("connect"));
  client.connection.once("sslconnect", () => {
    guardParser(client.connection.stream);
    client.connection.stream.once("secureConnect", () => finishPhase("tls"));
  });
  const connected = client.connect();
  if (!tls) guardParser(socket);
  try {
    await Promise.race([connected, failed]);
  } catch (error) {
    throw signInFailure(error);
  }
  finishPhase("sign_in");
}

/** Each phase ends where the next one starts. */
function startPhases(phase: SessionRun["phase"]): (name: string) => void {
  let sinceMs = performance.now();
  return (name) => {
    const nowMs = performance.now();
    phase?.(name, sinceMs, nowMs);
    sinceMs = nowMs;
  };
}

/** The server gives up before our deadline does, so that nothing runs on there for a check that is over. */
const serverShareOfTime = 0.8;

/** As `set local` inside the transaction, because PgBouncer refuses it as a startup parameter. */
export function underStatementTimeout(text: string, remainingMs: number): string {
  const timeoutMs = Math.max(1, Math.floor(serverShareOfTime * remainingMs));
  // The query may end in a comment, hence the line break.
  return `begin;set local statement_timeout=${timeoutMs};${text}\n;commit`;
}

/** `begin` and `set local`. */
export const statementsBeforeQuery = 2;

async function query(client: PgClient, text: string, aside: string, remainingMs: number): Promise<SessionAnswer> {
  const simple = new SimpleQuery(`${underStatementTimeout(text, remainingMs)};${aside}`);
  client.query(simple);
  const { statements, error } = await simple.settled;
  const commit = statements.findLastIndex(({ command }) => command === "COMMIT");
  const isAsideAtFault = commit !== -1 && commit === statements.length - 1;
  if (error !== undefined && !isAsideAtFault) throw queryFailure(error);
  if (commit < statementsBeforeQuery) throw new CheckFailure("protocol", "answer leaves statements out");
  return {
    statements: statements.slice(statementsBeforeQuery, commit),
    aside: statements[commit + 1]?.rows[0]?.[0] ?? undefined,
  };
}

/** Says goodbye, then waits for nothing: on a half-open connection pg's own `end()` never returns. */
function close(client: PgClient, socket: Socket): void {
  client.connection.end();
  setImmediate(() => socket.destroy());
}
