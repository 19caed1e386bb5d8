import type { IncomingMessage } from "node:http";
import { type Answer, contentType, createAnswer, type ServiceState } from "../answer.js";
import type { HealthSource } from "../ports.js";
import type { PageSettings } from "../settings.js";
import { script, style } from "./assets.js";
import { pageDocument, refusalDocument } from "./page-markup.js";
import { createPageView, type PageQuestion } from "./view.js";

/**
 * Nothing but our own style and script, no script or style in the page itself, no frame around it, and no address of it
 * told to whom a link leads. `data:` is the icon of the tab.
 */
const policy = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "connect-src 'self'",
  "img-src data:",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const pageHeaders: readonly string[] = [
  "Content-Security-Policy",
  policy,
  "Referrer-Policy",
  "no-referrer",
  "Cross-Origin-Opener-Policy",
  "same-origin",
  "Cross-Origin-Resource-Policy",
  "same-origin",
];

const htmlAnswer = (statusCode: number, state: ServiceState, body: string, headers: readonly string[] = []): Answer =>
  createAnswer({ statusCode, state, type: contentType.html, body, headers: [...pageHeaders, ...headers] });

export interface PageAnswerInput {
  readonly source: HealthSource;
  readonly page: PageSettings;
  readonly question: PageQuestion;
  readonly base: string;
  readonly state: ServiceState;
}

export function pageAnswer({ source, page, question, base, state }: PageAnswerInput): Answer {
  const view = createPageView({ report: source.report(), history: (name) => source.history(name), page, question });
  return htmlAnswer(view.content.is === "missing" ? 404 : 200, state, pageDocument(view, base));
}

/** For a person in a browser: why there is nothing to see, and how to come in. */
export function refusedPage(hasToken: boolean, state: ServiceState, base: string, headers: readonly string[]): Answer {
  return hasToken
    ? htmlAnswer(401, state, refusalDocument("The token is needed", askedForToken, base), headers)
    : htmlAnswer(404, state, refusalDocument("Not shown to this client", notShown, base));
}

const askedForToken = [
  "Reload the page; then give the token (server.token of an agent) as the password. The user name may be anything.",
];
const notShown = [
  "The details of this service are not served to this client.",
  "A token (server.token of an agent) opens this page by password, unless server.details is never. Clients on the machine itself may be trusted without one.",
];

export const styleAnswer = (state: ServiceState): Answer => assetAnswer(state, style);
export const scriptAnswer = (state: ServiceState): Answer => assetAnswer(state, script);

const assetAnswer = (state: ServiceState, { type, text }: typeof style | typeof script): Answer =>
  createAnswer({ statusCode: 200, state, type, body: text, headers: pageHeaders });

const maxQuestionLength = 100;

/** What the address asks of the page; what is too long to be meant is cut off. */
export function pageQuestion(query: string): PageQuestion {
  if (query === "") return {};
  const parameters = new URLSearchParams(query);
  const [check, find] = [parameters.get("check"), parameters.get("find")?.trim().slice(0, maxQuestionLength)];
  return { ...(check !== null && { check }), ...(find !== undefined && find !== "" && { find }) };
}

/**
 * From the page's address to where its assets are, relative: a proxy or a framework may have mounted us anywhere, and
 * the address may end in a slash or not.
 */
export function assetBase(req: IncomingMessage & { readonly originalUrl?: string }): string {
  const target = req.originalUrl ?? req.url ?? "/";
  const end = target.search(/[?#]/);
  const path = end < 0 ? target : target.slice(0, end);
  return `./${path.endsWith("/") ? "" : `${path.slice(path.lastIndexOf("/") + 1)}/`}`;
}
