import type { IncomingMessage } from "node:http";
import { cleanText } from "../check.js";
import type { DependencyReport, Summary } from "../health/report.js";
import type { Access } from "./access.js";
import { type Answer, jsonAnswer, type ServiceState, textAnswer } from "./answer.js";
import { type AnswerCache, createAnswerCache } from "./answer-cache.js";
import { assetBase, pageAnswer, pageQuestion, refusedPage, scriptAnswer, styleAnswer } from "./page/page-answer.js";
import type { HealthSource } from "./ports.js";
import type { EndpointName, Route } from "./routes.js";
import type { PageSettings } from "./settings.js";
import { verboseText } from "./verbose.js";

export interface AnswersOptions {
  readonly source: HealthSource;
  readonly access: Access;
  readonly page: PageSettings;
  /** Milliseconds, from any origin. */
  readonly clock: () => number;
}

export type Answers = (req: IncomingMessage, route: Route) => Answer;

/** What every endpoint but `/metrics` says, from memory. */
export function createAnswers({ source, access, page, clock }: AnswersOptions): Answers {
  const cache = createAnswerCache(source, clock);
  const answerPage = (req: IncomingMessage, { query }: Route): Answer => {
    const base = assetBase(req);
    const state = stateOf(source);
    if (!access.seesDetails(req)) return refusedPage(access.hasToken, state, base, askForToken);
    const question = pageQuestion(query);
    const build = (): Answer => pageAnswer({ source, page, question, base, state: stateOf(source) });
    return cache.get(`page ${JSON.stringify([base, question.check, question.find])}`, build);
  };
  return (req, route) => {
    if (route.endpoint === "livez" && route.query === "") return cache.get("livez", () => livez(source));
    if (route.endpoint === "page") return answerPage(req, route);
    if (route.endpoint === "page_style") return styleAnswer(stateOf(source));
    if (route.endpoint === "page_script") return scriptAnswer(stateOf(source));
    const isDetailed = access.seesDetails(req);
    if (route.endpoint === "report" || route.endpoint === "history") {
      if (!isDetailed) return refuseDetails(source, access);
    }
    if (route.check !== undefined) {
      return isDetailed ? checkAnswer({ source, cache, route, encoded: route.check }) : noSuchCheck(source);
    }
    const asked = parseQuery(route.query, source, isDetailed);
    const build = (): Answer => serviceAnswer(source, route, asked);
    return cache.get(cacheKey(route, asked), build, { hasOwnVerdict: asked.excluded.length > 0 });
  };
}

/** The phase while it says more than the status: a service that starts or drains is judged by nobody. */
export const stateOf = ({ phase, status }: Pick<HealthSource, "phase" | "status">): ServiceState =>
  phase === "running" ? status : phase;

export const errorAnswer = (
  statusCode: number,
  state: ServiceState,
  error: string,
  message: string,
  headers?: readonly string[],
): Answer => jsonAnswer(statusCode, state, { error, message }, headers);

const noSuchCheck = (source: HealthSource): Answer =>
  errorAnswer(404, stateOf(source), "Not found", "no such check here, or its details are not for you");

/** Asks for credentials only where some would help; a browser then shows its log-in box. */
function refuseDetails(source: HealthSource, access: Access): Answer {
  const state = stateOf(source);
  if (!access.hasToken) return errorAnswer(404, state, "Not found", "details are not served to this client");
  const message = "give the token (server.token of an agent) as bearer token or as Basic password";
  return errorAnswer(401, state, "Unauthorized", message, askForToken);
}

const askForToken: readonly string[] = ["WWW-Authenticate", 'Basic realm="healthspan", charset="UTF-8"'];

interface Asked {
  readonly isDetailed: boolean;
  readonly isVerbose: boolean;
  readonly excluded: readonly string[];
  readonly unknown: readonly string[];
}

const nothing: readonly string[] = [];
const plainDetailed: Asked = { isDetailed: true, isVerbose: false, excluded: nothing, unknown: nothing };
const plainShort: Asked = { ...plainDetailed, isDetailed: false };

function parseQuery(query: string, source: HealthSource, isDetailed: boolean): Asked {
  if (query === "") return isDetailed ? plainDetailed : plainShort;
  const parameters = new URLSearchParams(query);
  const isVerbose = isDetailed && parameters.has("verbose");
  const names = [...new Set(parameters.getAll("exclude"))].filter((name) => name !== "").sort();
  if (names.length === 0) return { isDetailed, isVerbose, excluded: nothing, unknown: nothing };
  const exists = (name: string): boolean => source.history(name) !== undefined;
  const unknown = isVerbose ? names.filter((name) => !exists(name)).map(cleanText) : nothing;
  return { isDetailed, isVerbose, excluded: names.filter(exists), unknown };
}

/** Unknown names change nothing but the verbose text, so only there they make a key of their own. */
function cacheKey({ endpoint }: Route, { isDetailed, isVerbose, excluded, unknown }: Asked): string {
  const form = isVerbose ? "verbose" : isDetailed ? "full" : "short";
  const key = `${endpoint} ${form}`;
  return excluded.length + unknown.length === 0 ? key : `${key} ${JSON.stringify([excluded, unknown])}`;
}

function serviceAnswer(source: HealthSource, route: Route, asked: Asked): Answer {
  if (asked.isVerbose) return verboseAnswer(source, route, asked);
  const { endpoint } = route;
  if (endpoint === "livez") return livez(source);
  const exclude = asked.excluded.length === 0 ? undefined : new Set(asked.excluded);
  const isShort = endpoint === "startupz" || !asked.isDetailed;
  const report = isShort ? source.summary(exclude) : source.report(exclude);
  const { statusCode } = judge(source, route, report);
  const state = stateOf(report);
  if (endpoint === "startupz") return jsonAnswer(statusCode, state, startupBody(source, report));
  return jsonAnswer(statusCode, state, isShort ? shortReport(report) : report);
}

function verboseAnswer(source: HealthSource, route: Route, { excluded, unknown }: Asked): Answer {
  const { endpoint } = route;
  const report = source.report(excluded.length === 0 ? undefined : new Set(excluded));
  const { statusCode, hasPassed, isPassing } = judge(source, route, report);
  const text =
    endpoint === "livez"
      ? livezVerbose(hasPassed)
      : verboseText({ endpoint, report, hasPassed, isPassing, excluded, unknown });
  return textAnswer(statusCode, stateOf(report), text);
}

interface ProbeVerdict {
  readonly statusCode: number;
  readonly hasPassed: boolean;
  readonly isPassing: (check: DependencyReport) => boolean;
}

function judge(source: HealthSource, { endpoint }: Route, report: Summary): ProbeVerdict {
  if (endpoint === "livez") return verdict(source.isAlive, isUp);
  if (endpoint === "readyz") return verdict(report.readiness, isUp);
  if (endpoint === "startupz") return verdict(source.hasStarted, (check) => check.last_check !== null);
  return { statusCode: 200, hasPassed: isUp(report), isPassing: isUp };
}

const verdict = (hasPassed: boolean, isPassing: ProbeVerdict["isPassing"]): ProbeVerdict => ({
  statusCode: hasPassed ? 200 : 503,
  hasPassed,
  isPassing,
});

const isUp = ({ status }: Pick<Summary, "status">): boolean => status === "healthy" || status === "degraded";

function livez(source: HealthSource): Answer {
  return source.isAlive
    ? textAnswer(200, stateOf(source), "OK")
    : textAnswer(503, stateOf(source), "The scheduler has started nothing that was due for 60 s\n");
}

const livezVerbose = (hasPassed: boolean): string =>
  hasPassed ? "[+]scheduler ok\nlivez check passed\n" : "[-]scheduler failed: reason withheld\nlivez check failed\n";

/** What anybody may know: enough for a balancer, nothing for a map of the system. */
const shortReport = ({ status, phase, readiness, cached, timestamp }: Summary) => ({
  status,
  phase,
  readiness,
  cached,
  timestamp,
});

const startupBody = (source: HealthSource, { phase, timestamp }: Summary) => ({
  started: source.hasStarted,
  phase,
  timestamp,
});

interface CheckQuestion {
  readonly source: HealthSource;
  readonly cache: AnswerCache;
  readonly route: Route;
  readonly encoded: string;
}

function checkAnswer({ source, cache, route, encoded }: CheckQuestion): Answer {
  const { endpoint } = route;
  const name = decode(encoded);
  if (name === undefined) {
    return errorAnswer(400, stateOf(source), "Bad request", "the check's name is not percent-encoded UTF-8");
  }
  if (endpoint === "history") return historyAnswer(source, name);
  return cache.get(`${endpoint}/${name}`, () => entryAnswer(source, endpoint, name), { hasOwnVerdict: true });
}

function entryAnswer(source: HealthSource, endpoint: EndpointName, name: string): Answer {
  const check = source.dependency(name);
  if (check === undefined) return noSuchCheck(source);
  return jsonAnswer(endpoint === "readyz" && !isUp(check) ? 503 : 200, check.status, check);
}

function historyAnswer(source: HealthSource, name: string): Answer {
  const entries = source.history(name);
  if (entries === undefined) return noSuchCheck(source);
  const history = entries.map(({ atMs, status, durationMs }) => ({
    time: new Date(atMs).toISOString(),
    status,
    duration_ms: durationMs === undefined ? null : Math.round(durationMs),
  }));
  return jsonAnswer(200, stateOf(source), { name, history });
}

function decode(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}
