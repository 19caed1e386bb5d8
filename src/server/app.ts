import express, { type ErrorRequestHandler } from "express";
import { type Handler, send } from "./answer.js";
import { errorAnswer, stateOf } from "./answers.js";
import { type Endpoints, isRead, methodNotAllowed } from "./endpoints.js";
import type { HealthSource } from "./ports.js";

export interface AppOptions {
  readonly source: HealthSource;
  readonly endpoints: Endpoints;
  /** Mounted behind the endpoints, in order. */
  readonly handlers?: readonly Handler[];
  readonly onError?: ((error: unknown) => void) | undefined;
}

/**
 * The agent's HTTP application: the endpoints on Express, and an answer for everything else. Probes are answered on
 * the way in: Express's own part of a request costs several times what their answer does (`bench/side-by-side/readyz.ts`).
 */
export function createApp({ source, endpoints, handlers = [], onError }: AppOptions): Handler {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.use(endpoints.middleware);
  for (const handler of handlers) app.use(handler);
  app.use((req, res) => {
    send(req, res, isRead(req) ? notFound(source) : methodNotAllowed(source));
  });
  const onBug: ErrorRequestHandler = (error, req, res, _next) => {
    onError?.(error);
    if (res.headersSent) res.destroy();
    else send(req, res, errorAnswer(500, stateOf(source), "Internal error", "the log says why"));
  };
  app.use(onBug);
  return (req, res) => {
    if (!endpoints.answerProbe(req, res)) app(req, res);
  };
}

const notFound = (source: HealthSource) =>
  errorAnswer(404, stateOf(source), "Not found", "see / and /health; probes are /livez, /readyz and /startupz");
