import { isIP } from "node:net";
import { CheckFailure } from "../check.js";
import { hostOf } from "./address.js";
import { createHttpTarget, type HttpRequest, type HttpTarget } from "./http-target.js";
import { isMetadataAddress } from "./metadata-address.js";
import type { TlsOptions } from "./tls-options.js";

const redirectStatuses = new Set([301, 302, 303, 307, 308]);

export const isRedirect = (status: number): boolean => redirectStatuses.has(status);

/**
 * Where a redirect leads. Leaving the origin leaves headers and credentials behind, for the rest of the way. Throws a
 * `CheckFailure` for what is not followed.
 */
export function redirectedTarget(from: HttpTarget, status: number, location: string | undefined): HttpTarget {
  const url = followable(from.url, location);
  const { request } = from;
  const isSameOrigin = url.origin === from.url.origin;
  // RFC 9110, section 15.4: 303 asks for a GET; 301 and 302 turn a POST into one, as every browser does.
  const becomesGet = request.method !== "HEAD" && (status === 303 || (request.method === "POST" && status < 303));
  const next = becomesGet ? asGet(request) : request;
  if (isSameOrigin) {
    url.username = from.url.username;
    url.password = from.url.password;
    return createHttpTarget(url, next);
  }
  if (next.body !== undefined) throw notFollowed("the redirect leads a request with a body to another origin");
  return createHttpTarget(url, { ...next, headers: {}, tls: withoutIdentity(request.tls) });
}

function asGet(request: HttpRequest): HttpRequest {
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !/^content-/i.test(name)));
  return { ...request, method: "GET", body: undefined, headers };
}

/** Our own certificate and the name we hold against theirs are for the origin that was configured. */
function withoutIdentity({ cert: _cert, key: _key, serverName: _serverName, ...rest }: TlsOptions): TlsOptions {
  return rest;
}

function followable(from: URL, location: string | undefined): URL {
  if (location === undefined || !URL.canParse(location, from.href)) {
    throw new CheckFailure("protocol", "the redirect says no place to go");
  }
  const url = new URL(location, from);
  if (url.protocol !== "http:" && url.protocol !== "https:") throw notFollowed("the redirect leads away from HTTP");
  if (from.protocol === "https:" && url.protocol === "http:")
    throw notFollowed("the redirect leads from https to http");
  const host = hostOf(url);
  if (isIP(host) !== 0 && isMetadataAddress(host)) {
    throw notFollowed("the redirect leads to a link-local metadata address");
  }
  url.username = "";
  url.password = "";
  return url;
}

const notFollowed = (message: string) => new CheckFailure("unexpected", `${message}; it is not followed`);
