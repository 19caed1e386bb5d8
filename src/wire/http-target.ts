import { cleanText, type SpanAttributes } from "../check.js";
import { agentVersion, attr, scopeName } from "../semconv.js";
import { hostOf } from "./address.js";
import type { SocketTarget } from "./open-socket.js";
import type { TlsOptions } from "./tls-options.js";

/** What is asked, and how the connection for it is made; the same for every origin it may come to. */
export interface HttpRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** For https. */
  readonly tls: TlsOptions;
  readonly ipFamily: 4 | 6 | undefined;
}

/** One request and where it goes, prepared so that a run has little left to do. */
export interface HttpTarget {
  readonly url: URL;
  readonly isSecure: boolean;
  readonly socket: SocketTarget;
  readonly request: HttpRequest;
  /** Request line and headers as they go over the wire, each with its line end; the empty line at the end is missing. */
  readonly requestHead: string;
  readonly hasOwnTraceparent: boolean;
  readonly attributes: SpanAttributes;
}

const userAgent = `${scopeName}/${agentVersion}`;

export function createHttpTarget(url: URL, request: HttpRequest): HttpTarget {
  const isSecure = url.protocol === "https:";
  const host = hostOf(url);
  const port = url.port === "" ? (isSecure ? 443 : 80) : Number(url.port);
  return {
    url,
    isSecure,
    socket: { host, port, ipFamily: request.ipFamily },
    request,
    requestHead: requestHead(url, request),
    hasOwnTraceparent: Object.keys(request.headers).some((name) => name.toLowerCase() === "traceparent"),
    attributes: {
      [attr.httpRequestMethod]: request.method,
      [attr.urlFull]: redactedUrl(url),
      [attr.serverAddress]: host,
      [attr.serverPort]: port,
    },
  };
}

/** RFC 9110, section 5.5. Options are held to it where they are read; a line break here would start another request. */
const isFieldValue = (text: string): boolean => /^[\t\x20-\x7e\x80-\xff]*$/.test(text);

function requestHead(url: URL, request: HttpRequest): string {
  const fields = headerFields(url, request);
  const wrong = fields.find(([name, value]) => !isFieldValue(name) || !isFieldValue(value));
  if (wrong) throw new TypeError(`header ${JSON.stringify(wrong[0])} has characters that no header may carry`);
  const lines = [`${request.method} ${url.pathname}${url.search} HTTP/1.1`, ...fields.map((field) => field.join(": "))];
  return lines.map((line) => `${line}\r\n`).join("");
}

function headerFields(url: URL, { method, headers, body }: HttpRequest): readonly (readonly [string, string])[] {
  const authorization = basicAuthorization(url);
  const ours = {
    host: url.host,
    "user-agent": userAgent,
    accept: "*/*",
    "accept-encoding": "identity",
    connection: "close",
    ...(authorization !== undefined && { authorization }),
  };
  const given = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const kept = Object.entries(ours).filter(([name]) => !given.has(name));
  const length = lengthOf(method, body);
  return [...kept, ...Object.entries(headers), ...length];
}

/** Said even when it is 0 for methods that may have a body, else Node would send one in chunks. */
function lengthOf(method: string, body: string | undefined): readonly (readonly [string, string])[] {
  if (body === undefined && (method === "GET" || method === "HEAD" || method === "OPTIONS")) return [];
  return [["content-length", String(Buffer.byteLength(body ?? ""))]];
}

function basicAuthorization(url: URL): string | undefined {
  if (url.username === "" && url.password === "") return undefined;
  const credentials = `${percentDecoded(url.username)}:${percentDecoded(url.password)}`;
  return `Basic ${Buffer.from(credentials).toString("base64")}`;
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const redacted = "REDACTED";

/** A URL as a span may show it: credentials and query values replaced, as the conventions for `url.full` ask. */
export function redactedUrl(url: URL): string {
  const names = [...url.searchParams.keys()].map((name) => `${encodeURIComponent(name)}=${redacted}`);
  const credentials = url.username === "" && url.password === "" ? "" : `${redacted}:${redacted}@`;
  const query = names.length === 0 ? "" : `?${names.join("&")}`;
  return cleanText(`${url.protocol}//${credentials}${url.host}${url.pathname}${query}`);
}
