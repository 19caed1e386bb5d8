import { CheckFailure, cleanText, type Reason } from "../check.js";

interface Meaning {
  readonly name: string;
  readonly reason: Reason;
  readonly message: string;
}

const meaning = (name: string, reason: Reason, words: string): Meaning => ({
  name,
  reason,
  message: `${words} (${name})`,
});

/** Every status a call can end with, by its number; 0 is OK. https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const meanings: readonly Meaning[] = [
  meaning("OK", "protocol", "answered"),
  meaning("CANCELLED", "unavailable", "the server called the call off"),
  meaning("UNKNOWN", "unexpected", "the health service failed"),
  meaning("INVALID_ARGUMENT", "unexpected", "the health service refused the request"),
  meaning("DEADLINE_EXCEEDED", "timeout", "the server had no answer in time"),
  meaning("NOT_FOUND", "not_found", "the server knows no such service"),
  meaning("ALREADY_EXISTS", "unexpected", "the health service failed"),
  meaning("PERMISSION_DENIED", "auth", "the health service is not for us"),
  meaning("RESOURCE_EXHAUSTED", "overloaded", "the server is overloaded"),
  meaning("FAILED_PRECONDITION", "unexpected", "the health service failed"),
  meaning("ABORTED", "unexpected", "the health service failed"),
  meaning("OUT_OF_RANGE", "unexpected", "the health service failed"),
  meaning("UNIMPLEMENTED", "protocol", "the server has no health service"),
  meaning("INTERNAL", "unexpected", "the health service failed"),
  meaning("UNAVAILABLE", "unavailable", "the server is not available"),
  meaning("DATA_LOSS", "unexpected", "the health service failed"),
  meaning("UNAUTHENTICATED", "auth", "the server does not accept who we are"),
];

/** The name of a status as it is in `grpc-status`: `NOT_FOUND`; undefined for what is no status. */
export function statusName(code: string): string | undefined {
  return /^(0|[1-9]\d?)$/.test(code) ? meanings[Number(code)]?.name : undefined;
}

/** A failure for a call's status other than OK; `message` is the server's own, as it came. */
export function statusFailure(code: string, message: string | undefined): CheckFailure {
  const found = statusName(code) === undefined ? undefined : meanings[Number(code)];
  const detail = message === undefined ? {} : { detail: decodeMessage(message) };
  if (!found) return new CheckFailure("protocol", "ended with a status that there is none of", detail);
  return new CheckFailure(found.reason, found.message, detail);
}

/** `grpc-message` is percent-encoded UTF-8; what is not stays as it is, as the protocol asks. */
export function decodeMessage(message: string): string {
  const bytes = message.replace(/%([0-9a-fA-F]{2})/g, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return cleanText(Buffer.from(bytes, "latin1").toString());
}

const reasonByHttpStatus: Readonly<Record<number, Reason>> = {
  401: "auth",
  403: "auth",
  429: "overloaded",
  502: "unavailable",
  503: "unavailable",
  504: "unavailable",
};

/**
 * A failure for an answer that is plain HTTP: of a proxy on the way, or of a server that speaks no gRPC. After
 * https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md, 404 being UNIMPLEMENTED there; 429 is
 * `overloaded` here, as in every kind.
 */
export function httpFailure(status: number): CheckFailure {
  return new CheckFailure(reasonByHttpStatus[status] ?? "protocol", `HTTP ${status} instead of a gRPC answer`);
}
