import type { Handler } from "./answer.js";
import { createEndpoints, isRead, type RequestTarget } from "./endpoints.js";
import type { HealthSource, ProbeObserver } from "./ports.js";
import {
  agentPaths,
  createRouter,
  type EndpointName,
  type Paths,
  pageAssets,
  probePaths,
  splitTarget,
} from "./routes.js";
import type { DetailsRule } from "./settings.js";

export interface ProbesOptions {
  /** Put before every path: `/internal` makes `/internal/livez`. */
  readonly prefix?: string | undefined;
  /** Renames a path, or with `false` leaves it to the host: `{ "/healthz": false, "/readyz": "/ready" }`. */
  readonly paths?: Readonly<Record<string, string | false>> | undefined;
  /** Serves `/ready`, `/readyz/{check}`, `/health` and `/health/{check}` too. */
  readonly report?: boolean | undefined;
  /** Serves the status page at `/` (or below `prefix`; `paths: { "/": "/status" }` moves it) and `/api/v1/…` too. */
  readonly page?: boolean | undefined;
  /** Where the status page's traces can be looked at; `{traceId}` in it is replaced. Only http and https become links. */
  readonly traceUrl?: string | undefined;
  /** Who sees check names, messages and facts; `authorized` unless said. */
  readonly details?: DetailsRule | undefined;
  /** Opens the details, as bearer token or as Basic password. */
  readonly token?: string | undefined;
  /** Whether a client on this machine sees the details without a token. Off: a host mostly sits behind a proxy. */
  readonly trustLoopback?: boolean | undefined;
}

/** What the library knows of the host beside its options. */
export interface ProbesHost {
  readonly service?: string | undefined;
  readonly observer?: ProbeObserver | undefined;
}

export interface Probes extends Handler {
  /** Whether a request is one that these probes answer: to keep it out of traces, access logs and the gate. */
  owns(req: RequestTarget): boolean;
}

/**
 * The probes as one middleware for a host's own server. Whatever they do not own, by path or by method, goes on to
 * the host: its `POST /health` stays its own.
 */
export function createProbes(
  source: HealthSource,
  options: ProbesOptions = {},
  { service = "This service", observer }: ProbesHost = {},
): Probes {
  assertOptions(options);
  const endpoints = createEndpoints(source, {
    settings: {
      details: options.details ?? "authorized",
      token: options.token,
      trustLoopback: options.trustLoopback ?? false,
    },
    paths: chosenPaths(options),
    page: { service, traceUrl: options.traceUrl },
    observer,
  });
  const middleware: Handler = (req, res, next) => {
    if (!endpoints.owns(req) || !endpoints.answer(req, res)) next();
  };
  return Object.assign(middleware, { owns: endpoints.owns });
}

const optionNames = Object.keys({
  prefix: true,
  paths: true,
  report: true,
  page: true,
  traceUrl: true,
  details: true,
  token: true,
  trustLoopback: true,
} satisfies Record<keyof ProbesOptions, true>);
const detailsRules: readonly (DetailsRule | undefined)[] = ["always", "authorized", "never", undefined];

/** Programs in plain JavaScript have no compiler to ask. */
function assertOptions(options: ProbesOptions): void {
  const unknown = Object.keys(options).find((option) => !optionNames.includes(option));
  if (unknown !== undefined) {
    throw new TypeError(`probes: \`${unknown}\` is no option; write one of ${optionNames.join(", ")}`);
  }
  if (!detailsRules.includes(options.details)) {
    throw new TypeError(`probes: \`details\` is "${String(options.details)}"; write always, authorized or never`);
  }
}

const reportPaths = ["/ready", "/readyz/{check}", "/health", "/health/{check}"];
const apiPaths = ["/api/v1/report", "/api/v1/checks/{check}/history"];

function chosenPaths({ prefix = "", paths = {}, report, page }: ProbesOptions): Paths {
  const chosen = [...Object.keys(probePaths), ...(report ? reportPaths : []), ...(page ? ["/", ...apiPaths] : [])];
  assertPaths(paths);
  const root = prefix === "" ? "" : `/${prefix.replace(/^\/+|\/+$/g, "")}`;
  const result: Record<string, EndpointName> = {};
  for (const path of chosen) {
    const name = paths[path] ?? path;
    const endpoint = agentPaths[path];
    if (name === false || endpoint === undefined) continue;
    const place = withoutSlash(`${root}${name}`);
    claim(result, place === "" ? "/" : place, endpoint);
    if (endpoint === "page") for (const [asset, kind] of Object.entries(pageAssets)) result[`${place}${asset}`] = kind;
  }
  return result;
}

/** Of two answers under one path the second would win: a liveness that is a readiness has the process restarted. */
function claim(places: Record<string, EndpointName>, place: string, endpoint: EndpointName): void {
  const other = places[place];
  if (other !== undefined && other !== endpoint) {
    throw new TypeError(`paths: "${place}" would be ${other} and ${endpoint}; rename one of them, or leave it out`);
  }
  places[place] = endpoint;
}

const pathNames = [...Object.keys(probePaths), ...reportPaths, "/", ...apiPaths];

/** A misspelt path would leave the usual one in place, without a word. */
function assertPaths(paths: Readonly<Record<string, string | false>>): void {
  for (const [path, name] of Object.entries(paths)) {
    if (!pathNames.includes(path)) {
      throw new TypeError(`paths: "${path}" is no path of ours; write one of ${pathNames.join(", ")}`);
    }
    if (name === false) continue;
    if (typeof name === "string" && name.startsWith("/")) {
      if (path.includes("{check}") === name.includes("{check}")) continue;
      const mend = path.includes("{check}") ? "write `{check}` where its name stands" : "leave `{check}` out";
      throw new TypeError(`paths: "${path}" becomes "${name}"; ${mend}`);
    }
    throw new TypeError(`paths: "${path}" becomes "${String(name)}"; write a path that begins with "/", or false`);
  }
}

/** A request's own last slash is taken off before it is compared. */
const withoutSlash = (path: string): string => path.replace(/\/$/, "");

const anyProbe = createRouter({ ...probePaths, "/readyz/{check}": "readyz" });

/**
 * Whether a request is for a probe under its usual name, at any prefix. It needs no instance, so that a tracer that
 * starts before the application can ask it; for renamed paths ask the probes' own `owns`.
 */
export function isProbeRequest(req: RequestTarget): boolean {
  if (!isRead(req)) return false;
  const { path } = splitTarget(req.url ?? "");
  const start = path.search(/\/(livez|readyz|healthz|startupz)(?=\/|$)/);
  return start >= 0 && anyProbe(path.slice(start)) !== undefined;
}
