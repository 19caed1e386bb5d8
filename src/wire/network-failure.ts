import { CheckFailure, type Facts, type Reason } from "../check.js";
import { descriptorShortage } from "./own-shortage.js";

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
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: "protocol",
  DEPTH_ZERO_SELF_SIGNED_CERT: "tls",
  SELF_SIGNED_CERT_IN_CHAIN: "tls",
  UNABLE_TO_GET_ISSUER_CERT: "tls",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "tls",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "tls",
  HOSTNAME_MISMATCH: "tls",
  // What this process or its machine lacks says nothing about the target.
  EMFILE: "internal",
  ENFILE: "internal",
  ENOMEM: "internal",
  ENOBUFS: "internal",
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
  EMFILE: "this process has too many files open",
  ENFILE: "this machine has too many files open",
  ENOMEM: "this machine has no memory left",
  ENOBUFS: "this machine has no buffer left for a socket",
  ERR_SSL_WRONG_VERSION_NUMBER: "the port does not speak TLS",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "the port does not speak TLS",
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: "the server does not speak the protocol that was offered (ALPN)",
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: "the server speaks no version of TLS that we do (1.2 and 1.3)",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "the server speaks no version of TLS that we do (1.2 and 1.3)",
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: "the server asks for a client certificate",
};

/** Of an attempt by an address family that this machine, or the way to the target, does not have. */
const attemptCodes: ReadonlySet<string | undefined> = new Set([
  "ETIMEDOUT",
  "ENETUNREACH",
  "EHOSTUNREACH",
  "EADDRNOTAVAIL",
  "EAFNOSUPPORT",
]);

/**
 * The `code` of a client's error, its own or its cause's. With several attempts (happy eyeballs) the first that got as
 * far as the target: that there is no IPv6 here says nothing about a port that refuses IPv4.
 */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const { code, errors, cause } = error as { code?: unknown; errors?: unknown; cause?: unknown };
  if (Array.isArray(errors) && errors.length > 0) {
    const codes = errors.map(errorCode);
    return codes.find((one) => one !== undefined && !attemptCodes.has(one)) ?? codes[0];
  }
  if (typeof code === "string" && code !== "") return code;
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
}

/**
 * A failure for an error of a socket or of a client on one. A `CheckFailure` (the signal's own reason) passes through.
 * The message is ours and names the code only; the client's text goes to `detail`.
 */
export function networkFailure(error: unknown, options: NetworkFailureOptions = {}): CheckFailure {
  if (error instanceof CheckFailure) return error;
  const code = hiddenShortage(error)?.code ?? errorCode(error);
  const reason = reasonOfCode(code) ?? options.fallback ?? "network";
  const said = wordsByCode[code ?? ""] ?? words[reason] ?? reason;
  const message = code === undefined ? said : `${said} (${code})`;
  return new CheckFailure(reason, message, {
    cause: error,
    detail: error instanceof Error ? error.message : String(error),
  });
}

/** A resolver that gets no socket or cannot open its files says that nobody answers, or that there is no such name. */
function hiddenShortage(error: unknown): NodeJS.ErrnoException | undefined {
  const { syscall } = (error ?? {}) as { readonly syscall?: unknown };
  const isResolver = typeof syscall === "string" && /^(getaddrinfo|query)/.test(syscall);
  return isResolver ? descriptorShortage() : undefined;
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
