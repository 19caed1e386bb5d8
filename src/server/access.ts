import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { AccessSettings } from "./settings.js";

/** Who may read what. */
export interface Access {
  /** Whether this client sees check names, messages and facts. */
  seesDetails(req: IncomingMessage): boolean;
  /** Whether this client may scrape `/metrics`. */
  mayScrape(req: IncomingMessage): boolean;
  /** Whether a token would help at all: only then is a client asked for one. */
  readonly hasToken: boolean;
}

export function createAccess(settings: AccessSettings): Access {
  const details = digestsOf(settings.token);
  const scrape = digestsOf(settings.metricsToken, settings.token);
  const isOpen = settings.details === "always";
  const isAsked = settings.details === "authorized";
  return {
    seesDetails: (req) =>
      isOpen || (isAsked && (presents(req, details) || (settings.trustLoopback && isLocalClient(req)))),
    mayScrape: (req) => settings.metricsToken === undefined || presents(req, scrape),
    hasToken: isAsked && details.length > 0,
  };
}

const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();

const digestsOf = (...tokens: readonly (string | undefined)[]): readonly Buffer[] =>
  tokens.filter((token): token is string => token !== undefined && token !== "").map(sha256);

/** Digests have one length, so that neither the token's length nor a matching beginning shows in the time it takes. */
function presents(req: IncomingMessage, digests: readonly Buffer[]): boolean {
  const credential = digests.length === 0 ? undefined : credentialOf(req.headers.authorization);
  if (credential === undefined) return false;
  const presented = sha256(credential);
  return digests.some((digest) => timingSafeEqual(digest, presented));
}

/** The bearer token, or the password of Basic credentials (RFC 7617: all after the first colon). */
function credentialOf(authorization: string | undefined): string | undefined {
  const match = /^(bearer|basic) +(\S+) *$/i.exec(authorization ?? "");
  const value = match?.[2];
  if (match?.[1]?.toLowerCase() !== "basic" || value === undefined) return value;
  const pair = Buffer.from(value, "base64").toString("utf8");
  const colon = pair.indexOf(":");
  return colon < 0 ? undefined : pair.slice(colon + 1);
}

/**
 * A client on this machine that speaks to us directly. A foreign `Host` is a web page that had its name re-bound
 * to 127.0.0.1; an absolute request target or a forwarding header is a proxy, behind which anybody may sit.
 */
function isLocalClient(req: IncomingMessage): boolean {
  return (
    isLoopback(req.socket.remoteAddress) &&
    isLocalHost(req.headers.host) &&
    req.url?.startsWith("/") === true &&
    !isForwarded(req)
  );
}

const loopbackV4 = /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/i;
const localHost = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i;

const isLoopback = (address: string | undefined): boolean =>
  address === "127.0.0.1" || address === "::1" || (address !== undefined && loopbackV4.test(address));

const isLocalHost = (host: string | undefined): boolean => host !== undefined && localHost.test(host);

/** What proxies and balancers add, beyond the `x-forwarded-…` family. */
const forwardingHeaders: ReadonlySet<string> = new Set([
  "forwarded",
  "via",
  "x-real-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "x-original-forwarded-for",
  "x-original-host",
  "x-envoy-external-address",
  "true-client-ip",
  "cf-connecting-ip",
  "fastly-client-ip",
  "proxy-connection",
]);

function isForwarded(req: IncomingMessage): boolean {
  for (const name in req.headers) {
    if (name.startsWith("x-forwarded") || forwardingHeaders.has(name)) return true;
  }
  return false;
}
