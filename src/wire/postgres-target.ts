import type { ConnectionOptions } from "node:tls";
import { z } from "zod";
import { secret } from "../check.js";
import { hostOf, hostProblem, isHost } from "./address.js";
import { type TlsOptions, tlsOptions, toConnectionOptions } from "./tls-options.js";

/** Where a PostgreSQL session goes and as whom: nothing of it is ever taken from the environment. */
export interface PostgresTarget {
  /** A host name, an address (IPv6 without brackets) or the absolute path of a socket's folder. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  /** Undefined for a session in plain text. */
  readonly tls: PostgresTls | undefined;
  /** Startup `options` that the url asks for (`-c search_path=…`). */
  readonly startupOptions: string | undefined;
}

export interface PostgresTls {
  /** What to ask for (SNI) and to hold the certificate against: the host, unless `tls.serverName` says otherwise. */
  readonly serverName: string;
  /** Made when first asked for and kept, since reading certificates and keys is dear; throws a `CheckFailure`. */
  readonly options: () => ConnectionOptions;
}

/** The connection options of every kind that asks a PostgreSQL server. */
export const postgresTargetOptions = {
  url: secret(
    "`postgres://user:password@host:5432/database?sslmode=verify-full`; instead of `host`, `port`, `user`, `password` and `database`.",
  ).optional(),
  host: z
    .string()
    .min(1)
    .refine((text) => text.startsWith("/") || isHost(text), hostProblem)
    .describe("Host name or address; an absolute path is the folder of a Unix socket.")
    .optional(),
  port: z.number().int().min(1).max(65_535).describe("Port; 5432 when left out.").optional(),
  user: z.string().min(1).describe("The role to sign in as. Never taken from the environment.").optional(),
  password: secret("Its password.").optional(),
  database: z.string().min(1).describe("The database; the one named like the user when left out.").optional(),
  tls: tlsOptions
    .describe("Encrypts the session and verifies the server; `{}` trusts Node's own list of authorities.")
    .optional(),
} as const;

export interface PostgresTargetOptions {
  readonly url?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly database?: string | undefined;
  readonly tls?: TlsOptions | undefined;
}

/** What is wrong with the options. Its text never holds a part of the url, which is secret. */
export class PostgresTargetProblem extends Error {
  override readonly name = "PostgresTargetProblem";
  constructor(
    readonly option: keyof PostgresTargetOptions,
    message: string,
  ) {
    super(message);
  }
}

/** Reports what is wrong with the connection options as a config problem; for `superRefine`. */
export function refuseBadPostgresTarget(options: PostgresTargetOptions, context: z.RefinementCtx): void {
  try {
    createPostgresTarget(options);
  } catch (error) {
    if (!(error instanceof PostgresTargetProblem)) throw error;
    context.addIssue({ code: "custom", path: [error.option], message: error.message });
  }
}

/** The target that the options name; throws `PostgresTargetProblem`. */
export function createPostgresTarget(options: PostgresTargetOptions): PostgresTarget {
  return options.url === undefined ? fromParts(options) : fromUrl(options.url, options);
}

const defaultPort = 5432;

function fromParts(options: PostgresTargetOptions): PostgresTarget {
  const { host, user } = options;
  if (host === undefined) throw new PostgresTargetProblem("url", "is missing; write `url`, or `host` and `user`");
  if (user === undefined) {
    throw new PostgresTargetProblem("user", "is missing; write the role to sign in as, it has no default");
  }
  return {
    host,
    port: options.port ?? defaultPort,
    user,
    password: options.password,
    database: options.database ?? user,
    tls: options.tls && verified(options.tls, host),
    startupOptions: undefined,
  };
}

const partOptions = ["host", "port", "user", "password", "database"] as const;

function fromUrl(text: string, options: PostgresTargetOptions): PostgresTarget {
  const twice = partOptions.find((option) => options[option] !== undefined);
  if (twice) throw new PostgresTargetProblem(twice, "is given beside `url`; write one or the other");
  const url = parsePostgresUrl(text);
  const query = url.searchParams;
  const host = query.get("host") || namedHost(url);
  const user = query.get("user") || decoded(url.username);
  const port = Number(query.get("port") || url.port || defaultPort);
  if (host === "") throw new PostgresTargetProblem("url", "names no host; write `postgres://user@host/database`");
  if (host.includes(",")) throw new PostgresTargetProblem("url", "names several hosts; write one check for each");
  if (user === "") throw new PostgresTargetProblem("url", "names no user; write `postgres://user@host/database`");
  if (!(Number.isInteger(port) && port >= 1 && port <= 65_535)) {
    throw new PostgresTargetProblem("url", "has a port that is none; write a number from 1 to 65535");
  }
  return {
    host,
    port,
    user,
    password: query.get("password") || decoded(url.password) || undefined,
    database: query.get("dbname") || decoded(url.pathname.slice(1)) || user,
    tls: tlsOfUrl(query, options.tls, host),
    startupOptions: query.get("options") || undefined,
  };
}

/** Stands for the host of `postgres://user@/database?host=/run/postgresql`, which libpq allows and `URL` does not. */
const noHost = "-";

function namedHost(url: URL): string {
  const host = decoded(hostOf(url));
  return host === noHost ? "" : host;
}

/** `postgresql+asyncpg:` and its like, as SQLAlchemy writes them, name the same server. */
const schemes = /^postgres(ql)?(\+[a-z0-9_]+)?:$/;

/** Whether a url's scheme is one that names a PostgreSQL server. */
export function isPostgresUrl(url: URL): boolean {
  return schemes.test(url.protocol);
}

function parsePostgresUrl(text: string): URL {
  if (/:\/\/[^/]*,/.test(text)) {
    throw new PostgresTargetProblem("url", "names several hosts; write one check for each");
  }
  const complete = text.replace(/^([a-z0-9+]+:\/\/[^/?#]*@)(?=[/?#]|$)/i, `$1${noHost}`);
  if (!URL.canParse(complete)) {
    throw new PostgresTargetProblem(
      "url",
      "is no url; write `postgres://user:password@host:5432/database`, special characters percent-encoded",
    );
  }
  const url = new URL(complete);
  if (!isPostgresUrl(url)) throw new PostgresTargetProblem("url", "has another scheme; write `postgres://…`");
  return url;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new PostgresTargetProblem("url", "has a `%` that encodes nothing; write it as `%25`");
  }
}

/** Parameters that name files: we read none, `${file:…}` does. */
const fileParameters = ["sslrootcert", "sslcert", "sslkey", "sslcrl"] as const;

function tlsOfUrl(query: URLSearchParams, tls: TlsOptions | undefined, host: string): PostgresTls | undefined {
  const file = fileParameters.find((name) => query.has(name) && query.get(name) !== "system");
  if (file) {
    throw new PostgresTargetProblem(
      "url",
      `has \`${file}\`, a file's name; write \`tls: { ca: "\${file:/path/to/ca.pem}" }\`, with \`cert\` and \`key\` where the server asks for them`,
    );
  }
  const mode = sslMode(query);
  if (mode === undefined) return tls && verified(tls, host);
  const convert = Object.hasOwn(modes, mode) ? modes[mode as keyof typeof modes] : undefined;
  if (convert) return convert(tls, host);
  throw new PostgresTargetProblem(
    "url",
    "has an sslmode that leaves open whether the session is encrypted; write `sslmode=disable`, `require` or `verify-full`",
  );
}

/** `ssl=true` is what node-postgres and JDBC read. */
function sslMode(query: URLSearchParams): string | undefined {
  const mode = query.get("sslmode");
  if (mode) return mode;
  if (query.get("sslrootcert") === "system") return "verify-full";
  const ssl = query.get("ssl");
  if (!ssl) return undefined;
  return ssl === "true" || ssl === "1" ? "verify-full" : "disable";
}

type ModeToTls = (tls: TlsOptions | undefined, host: string) => PostgresTls | undefined;

/** What libpq's modes mean (https://www.postgresql.org/docs/current/libpq-ssl.html), as options of `tls.connect`. */
const modes = {
  disable: (tls) => {
    if (tls) throw new PostgresTargetProblem("tls", "is given, but the url says `sslmode=disable`; remove one of them");
    return undefined;
  },
  "no-verify": (tls, host) => verified({ ...tls, insecureSkipVerify: true }, host),
  require: (tls, host) => verified(tls ?? { insecureSkipVerify: true }, host),
  "verify-ca": (tls, host) => {
    if (tls?.ca === undefined) {
      throw new PostgresTargetProblem(
        "url",
        "says `sslmode=verify-ca`, but no authority is given; write `tls: { ca: … }`, or `sslmode=verify-full`",
      );
    }
    return verified(refuseSkip(tls), host, { checkServerIdentity: () => undefined });
  },
  "verify-full": (tls, host) => verified(refuseSkip(tls), host),
} as const satisfies Record<string, ModeToTls>;

function refuseSkip(tls: TlsOptions = {}): TlsOptions {
  if (!tls.insecureSkipVerify) return tls;
  throw new PostgresTargetProblem(
    "tls",
    "says `insecureSkipVerify`, but the url's sslmode verifies; write `sslmode=require`, or remove the option",
  );
}

function verified(tls: TlsOptions, host: string, more: ConnectionOptions = {}): PostgresTls {
  let options: ConnectionOptions | undefined;
  return {
    serverName: tls.serverName ?? host,
    options: () => {
      options ??= { ...toConnectionOptions(tls, host), ...more };
      return options;
    },
  };
}
