import { CheckFailure, type Facts, type Reason } from "../check.js";

/** Node's error codes (system calls, c-ares, OpenSSL) by the reason they mean. */
const reasonByCode: Readonly<Record<string, Reason>> = {
  ENOTFOUND: "dns",
  EAI_AGAIN: "dns",
  EAI_NODATA: "dns",
  EAI_NONAME: "dns",
  EAI_FAIL: "dns",
  ENODATA: "dns",
  ESERVFAIL: "dns",
  ECONNREFUSED: "refused",
  ECONNRESET: "network",
  ECONNABORTED: "network",
  EPIPE: "network",
  EHOSTUNREACH: "network",
  EHOSTDOWN: "network",
  ENETUNREACH: "network",
  ENETDOWN: "network",
  EADDRNOTAVAIL: "network",
  EACCES: "network",
  EPERM: "network",
  ETIMEDOUT: "timeout",
  ESOCKETTIMEDOUT: "timeout",
  EPROTO: "tls",
  DEPTH_ZERO_SELF_SIGNED_CERT: "tls",
  SELF_SIGNED_CERT_IN_CHAIN: "tls",
  UNABLE_TO_GET_ISSUER_CERT: "tls",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "tls",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "tls",
  HOSTNAME_MISMATCH: "tls",
};
const tlsCodePrefix = /^(ERR_TLS_|ERR_SSL_|CERT_|CRL_)/;

const words: Partial<Record<Reason, string>> = {
  dns: "name does not resolve",
  refused: "connection refused",
  network: "connection broken",
  tls: "TLS handshake failed",
  timeout: "no answer in time",
};

/** Where the code says more than the reason does. */
const wordsByCode: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: "the port does not speak TLS",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "the port does not speak TLS",
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: "the server asks for a client certificate",
};

/** The `code` of a client's error, its own or its cause's; with several attempts (happy eyeballs), the first one's. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const { code, errors, cause } = error as { code?: unknown; errors?: unknown; cause?: unknown };
  if (typeof code === "string" && code !== "") return code;
  if (Array.isArray(errors) && errors.length > 0) return errorCode(errors[0]);
  return cause === undefined ? undefined : errorCode(cause);
}

/** The reason behind a network error's code; undefined when it is no network error we know. */
export function reasonOfCode(code: string | undefined): Reason | undefined {
  if (code === undefined) return undefined;
  return reasonByCode[code] ?? (tlsCodePrefix.test(code) ? "tls" : undefined);
}

export interface NetworkFailureOptions {
  /** What an error without a known code means; `network` unless said. */
  readonly fallback?: Reason;
  readonly facts?: Facts;
}

/**
 * A failure for an error of a socket or of a client on one. A `CheckFailure` (the signal's own reason) passes through.
 * The message is ours and names the code only; the client's text goes to `detail`.
 */
export function networkFailure(error: unknown, options: NetworkFailureOptions = {}): CheckFailure {
  if (error instanceof CheckFailure) return error;
  const code = errorCode(error);
  const reason = reasonOfCode(code) ?? options.fallback ?? "network";
  const said = wordsByCode[code ?? ""] ?? words[reason] ?? reason;
  const message = code === undefined ? said : `${said} (${code})`;
  return new CheckFailure(reason, message, {
    cause: error,
    detail: error instanceof Error ? error.message : String(error),
    ...(options.facts && { facts: options.facts }),
  });
}

/** The same failure with the facts that were gathered until then. */
export function withFacts(failure: CheckFailure, facts: Facts): CheckFailure {
  const { reason, message, detail, retryAfterMs, cause } = failure;
  return new CheckFailure(reason, message, {
    facts: { ...facts, ...failure.facts },
    cause,
    ...(detail !== undefined && { detail }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}
