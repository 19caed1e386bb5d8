import { CheckFailure, type Reason } from "../check.js";
import { errorCode, networkFailure, reasonOfCode } from "./network-failure.js";

interface Meaning {
  readonly reason: Reason;
  readonly words: string;
}

const signInRefused: Meaning = { reason: "auth", words: "sign-in refused" };
const noDatabase: Meaning = { reason: "not_found", words: "no such database" };
const notNow: Meaning = { reason: "unavailable", words: "server is starting, stopping or not accepting connections" };
const full: Meaning = { reason: "overloaded", words: "server has no connection left" };
const queryFailed: Meaning = { reason: "unexpected", words: "query failed" };

/** By SQLSTATE or by its class, the longer one wins (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
const meaningBySqlState: Readonly<Record<string, Meaning>> = {
  "28": signInRefused,
  "42501": { reason: "auth", words: "permission denied" },
  "3D000": noDatabase,
  "57P04": noDatabase,
  "57014": { reason: "timeout", words: "query cancelled by the server, as its statement_timeout asks" },
  "57P": notNow,
  "08": { reason: "unavailable", words: "connection behind the server or pooler failed" },
  "53300": full,
  "53": { reason: "overloaded", words: "server is out of memory, disk or another resource" },
};

/**
 * PgBouncer before 1.21 says everything as 08P01, so its text decides.
 * https://github.com/pgbouncer/pgbouncer/blob/pgbouncer_1_18_0/src/client.c
 */
const meaningByPoolerText: readonly (readonly [RegExp, Meaning])[] = [
  [/authentication failed|no such user|auth(entication)? (query )?error|login rejected/i, signInRefused],
  [/database .*does not exist|no such database/i, noDatabase],
  [/unsupported startup parameter/i, { reason: "unexpected", words: "pooler refuses a startup parameter" }],
  [/no more connections allowed|too many/i, { reason: "overloaded", words: "pooler has no connection left" }],
  [
    /query_wait_timeout|cannot connect to server|server login|does not allow connections|shutting down|client_login_timeout/i,
    { reason: "unavailable", words: "pooler got no server connection" },
  ],
];

/** What pg and the PostgreSQL protocol say without a code. */
const meaningByText: readonly (readonly [RegExp, Meaning])[] = [
  [/client password must be/i, { reason: "auth", words: "server asks for a password and none is given" }],
  [/^SASL|Unknown authentication/i, { reason: "auth", words: "sign-in method not supported or not trusted" }],
  [/does not support SSL/i, { reason: "tls", words: "server has no TLS" }],
  [/error establishing an SSL connection|received invalid response/i, { reason: "protocol", words: "no PostgreSQL" }],
  [/Query read timeout/i, { reason: "timeout", words: "no answer in time" }],
  [/Connection terminated|is not queryable/i, { reason: "network", words: "connection closed by the server" }],
];

/** The five characters that the server gave for this error; undefined when no server did. */
export function sqlStateOf(error: unknown): string | undefined {
  const { cause, code, severity } = (error ?? {}) as { cause?: unknown; code?: unknown; severity?: unknown };
  // Only what came as an ErrorResponse has a severity: a socket's EPIPE has five capitals too.
  if (typeof severity === "string" && typeof code === "string" && /^[0-9A-Z]{5}$/.test(code)) return code;
  return error instanceof CheckFailure ? sqlStateOf(cause) : undefined;
}

/** A failure for an error of pg or of the socket under it. A `CheckFailure` passes through. */
export function postgresFailure(error: unknown): CheckFailure {
  if (error instanceof CheckFailure) return error;
  const text = error instanceof Error ? error.message : String(error);
  const sqlState = sqlStateOf(error);
  const meaning = sqlState === undefined ? meaningOfText(error, text) : meaningOfSqlState(sqlState, text);
  if (meaning === undefined) return networkFailure(error, { fallback: isBug(error) ? "internal" : "protocol" });
  const message = sqlState === undefined ? meaning.words : `${meaning.words} (SQLSTATE ${sqlState})`;
  return new CheckFailure(meaning.reason, message, { cause: error, detail: text });
}

/** What pg finds wrong with its peer is a plain `Error`. */
function isBug(error: unknown): boolean {
  return error instanceof TypeError || error instanceof ReferenceError;
}

function meaningOfSqlState(sqlState: string, text: string): Meaning {
  if (sqlState === "08P01")
    return firstMatch(meaningByPoolerText, text) ?? { reason: "protocol", words: "protocol violation" };
  const lengths = [5, 3, 2];
  const key = lengths
    .map((length) => sqlState.slice(0, length))
    .find((prefix) => Object.hasOwn(meaningBySqlState, prefix));
  return (key !== undefined && meaningBySqlState[key]) || queryFailed;
}

function meaningOfText(error: unknown, text: string): Meaning | undefined {
  return reasonOfCode(errorCode(error)) === undefined ? firstMatch(meaningByText, text) : undefined;
}

function firstMatch(table: readonly (readonly [RegExp, Meaning])[], text: string): Meaning | undefined {
  return table.find(([pattern]) => pattern.test(text))?.[1];
}
