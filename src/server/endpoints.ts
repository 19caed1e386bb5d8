import type { IncomingMessage, ServerResponse } from "node:http";
import { createAccess } from "./access.js";
import { type Answer, type Handler, send, textAnswer } from "./answer.js";
import { createAnswers, errorAnswer, stateOf } from "./answers.js";
import { createMetricsStream } from "./metrics-stream.js";
import type { HealthSource, MetricsSource, ProbeObserver } from "./ports.js";
import { agentPaths, createRouter, isProbe, type Paths, type Route } from "./routes.js";
import type { AccessSettings, PageSettings } from "./settings.js";

export interface EndpointsOptions {
  readonly settings: AccessSettings;
  /** Without it `/metrics` is a path like any other. */
  readonly metrics?: MetricsSource | undefined;
  /** What the status page says beside the report. */
  readonly page?: PageSettings | undefined;
  readonly observer?: ProbeObserver | undefined;
  /** Told of our own bugs, which the client only sees as a bare 500 (or 503 from `/metrics`). */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** The paths to answer; all that an agent has unless said. */
  readonly paths?: Paths | undefined;
  /** Milliseconds, from any origin; `performance.now` unless said. */
  readonly clock?: (() => number) | undefined;
}

/** The endpoints as handlers on Node's own types. They read, and answer from memory. */
export interface Endpoints {
  /** Answers if the path is ours, whatever the method; false when it is not. */
  answer(req: IncomingMessage, res: ServerResponse): boolean;
  /** The same for what machines poll; what a status page reads is left to others. */
  answerProbe(req: IncomingMessage, res: ServerResponse): boolean;
  /** Whether a request, by its method and path, is one that `answer` serves. */
  owns(req: RequestTarget): boolean;
  /** `answer`, or the next handler. */
  readonly middleware: Handler;
}

/** What an endpoint is found by. */
export type RequestTarget = Pick<IncomingMessage, "method" | "url">;

type Respond = (req: IncomingMessage, res: ServerResponse, route: Route) => void;

export function createEndpoints(source: HealthSource, options: EndpointsOptions): Endpoints {
  const route = createRouter(options.paths ?? agentPaths);
  const respond = createResponder(source, options);
  const find = (req: RequestTarget): Route | undefined => {
    const found = route(req.url ?? "");
    return found?.endpoint === "metrics" && options.metrics === undefined ? undefined : found;
  };
  const answerRoute = (req: IncomingMessage, res: ServerResponse, found: Route | undefined): boolean => {
    if (found === undefined) return false;
    // Whoever keeps a connection is sent away while there is time: its next request could meet a closed one.
    if (source.phase === "draining") res.shouldKeepAlive = false;
    if (isRead(req)) respond(req, res, found);
    else send(req, res, methodNotAllowed(source));
    return true;
  };
  const answer: Endpoints["answer"] = (req, res) => answerRoute(req, res, find(req));
  return {
    answer,
    answerProbe: (req, res) => {
      const found = find(req);
      return answerRoute(req, res, found && isProbe(found.endpoint) ? found : undefined);
    },
    owns: (req) => isRead(req) && find(req) !== undefined,
    middleware: (req, res, next) => {
      if (!answer(req, res)) next();
    },
  };
}

/** Reads the health and never changes a thing: only these two methods mean that. */
export const isRead = ({ method }: RequestTarget): boolean => method === "GET" || method === "HEAD";

export const methodNotAllowed = (source: HealthSource): Answer =>
  errorAnswer(405, stateOf(source), "Method not allowed", "only GET and HEAD are answered here", [
    "Allow",
    "GET, HEAD",
  ]);

function createResponder(source: HealthSource, options: EndpointsOptions): Respond {
  const { metrics, observer, page = anonymous, clock = () => performance.now(), onError = warn } = options;
  const access = createAccess(options.settings);
  const answerTo = createAnswers({ source, access, page, clock });
  const stream = metrics && createMetricsStream(metrics, onError);
  const observe = (route: Route, statusCode: number, startedAtMs: number): void =>
    observer?.probe(route.endpoint, statusCode, stateOf(source), (clock() - startedAtMs) / 1_000);

  return (req, res, route) => {
    const startedAtMs = clock();
    if (route.endpoint === "metrics" && stream && access.mayScrape(req)) {
      void stream.send(req, res, stateOf(source)).then((statusCode) => observe(route, statusCode, startedAtMs));
      return;
    }
    const answer = guarded(
      () => (route.endpoint === "metrics" ? scrapeRefused(source) : answerTo(req, route)),
      onError,
    );
    send(req, res, answer);
    observe(route, answer.statusCode, startedAtMs);
  };
}

const anonymous: PageSettings = { service: "This service" };

const scrapeRefused = (source: HealthSource): Answer =>
  errorAnswer(401, stateOf(source), "Unauthorized", "give server.metricsToken as bearer token", [
    "WWW-Authenticate",
    'Bearer realm="healthspan"',
  ]);

/** Our own bug costs this one answer, and its stack goes to the log only. */
function guarded(build: () => Answer, onError: (error: unknown) => void): Answer {
  try {
    return build();
  } catch (error) {
    onError(error);
    return textAnswer(500, "unknown", "Internal error\n");
  }
}

const warn = (error: unknown): void => process.emitWarning(error instanceof Error ? error : String(error));
