import type { IncomingMessage } from "node:http";
import { type Handler, jsonAnswer, send } from "./answer.js";
import { stateOf } from "./answers.js";
import { isRead, type RequestTarget } from "./endpoints.js";
import type { HealthSource } from "./ports.js";
import { isProbeRequest } from "./probes.js";
import { splitTarget } from "./routes.js";

export interface GateOptions {
  /** What must pass whatever the health; the usual probes, and `/metrics`, always do. */
  readonly isExempt?: ((req: IncomingMessage) => boolean) | undefined;
}

/**
 * Answers business traffic 503 while the service is unhealthy. Degraded, starting and draining let it through: during
 * a drain the balancer is still sending, and those requests must be served.
 */
export function createGate(
  source: HealthSource,
  { isExempt = () => false }: GateOptions = {},
  isOurs: (req: RequestTarget) => boolean = () => false,
): Handler {
  return (req, res, next) => {
    if (source.status !== "unhealthy" || source.phase === "draining") return next();
    if (isProbeRequest(req) || isScrape(req) || isOurs(asAsked(req)) || isExempt(req)) return next();
    send(req, res, unavailable(source));
  };
}

/** Express takes the path that a gate is mounted at off `url`: its `/api/health` would look like our `/health`. */
function asAsked({ method, url, originalUrl }: IncomingMessage & { readonly originalUrl?: string }): RequestTarget {
  return { method, url: originalUrl ?? url };
}

const unavailable = (source: HealthSource) =>
  jsonAnswer(503, stateOf(source), { error: "Service unavailable", message: source.report().message });

/** A scrape that got 503 would be dropped by Prometheus, just when the figures matter. */
const isScrape = (req: RequestTarget): boolean => isRead(req) && splitTarget(req.url ?? "").path === "/metrics";
