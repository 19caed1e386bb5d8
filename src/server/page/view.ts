import type { Status } from "../../check.js";
import type { HistoryEntry } from "../../health/history.js";
import type { DependencyReport, Report } from "../../health/report.js";
import type { PageSettings } from "../settings.js";
import { type CheckCard, checkCard, type Moment } from "./check-view.js";
import { sortedNames } from "./name-order.js";
import { clockTime, runTime, type ShownState, spanOfTime, stateWords } from "./wording.js";

/** Everything that the page says, before it becomes HTML. */
export interface PageView {
  readonly service: string;
  /** What else tells this process from others: environment, version, instance, uptime. */
  readonly about: readonly string[];
  readonly state: ShownState;
  readonly title: string;
  readonly message: string;
  readonly readiness: { readonly isReady: boolean; readonly words: string };
  readonly counts: readonly { readonly status: Status; readonly words: string }[];
  readonly asOf: Moment;
  readonly total: number;
  /** Milliseconds after which a browser asks again; a heavier page is asked for less often. */
  readonly pollMs: number;
  readonly content: Overview | CheckDetail | NoSuchCheck;
}

export interface Overview {
  readonly is: "overview";
  /** What was searched for; undefined where there are too few checks to search. */
  readonly find: string | undefined;
  readonly groups: readonly CheckGroup[];
}

/** Checks under one heading, those first that matter most. */
export interface CheckGroup {
  readonly id: "broken" | "degraded" | "waiting" | "healthy";
  readonly title: string;
  /** How much is in sight of each card: all, or of what is well less the more there is of it. */
  readonly size: CardSize;
  readonly cards: readonly CheckCard[];
  /** Checks of which only name and state are shown, since there are so many. */
  readonly brief: readonly CheckCard[];
  /** Checks that are counted and not listed, since there are too many for a page; each has its own, and can be found. */
  readonly unlisted: number;
}

/** `whole`; `folded`: details behind a click; `dense`: details on the check's own page only. */
export type CardSize = "whole" | "folded" | "dense";

export interface CheckDetail {
  readonly is: "check";
  readonly card: CheckCard;
  /** Newest first. */
  readonly history: readonly { readonly time: string; readonly status: Status; readonly duration: string }[];
}

export interface NoSuchCheck {
  readonly is: "missing";
  readonly name: string;
}

export interface PageInput {
  readonly report: Report;
  readonly history: (check: string) => readonly HistoryEntry[] | undefined;
  readonly page: PageSettings;
  readonly question: PageQuestion;
}

/** What the address asks for beyond the page itself. */
export interface PageQuestion {
  readonly check?: string;
  readonly find?: string;
}

/** So many checks are shown in full; of the others, which come last because they are well, one line. */
const maxCards = 200;
/** So many of them have that line. Listing 10,000 made a page of 2.3 MB, and held the event loop three times as long. */
const maxBrief = 800;
/** From here on there is a field to search by. */
const findFrom = 12;
/** Up to here the checks that are well have their details beside them; beyond, on their own page. */
const maxFolded = 50;

export function createPageView(input: PageInput): PageView {
  const { report, page, question } = input;
  const nowMs = Date.parse(report.timestamp);
  const names = Object.keys(report.dependencies);
  const state = report.phase === "running" ? report.status : report.phase;
  const content = question.check === undefined ? overview(input, nowMs) : checkDetail(input, question.check, nowMs);
  return {
    service: page.service,
    about: aboutOf(report, page),
    state,
    title: titleOf(content, state, page.service),
    message: messageOf(report, names.length),
    readiness: {
      isReady: report.readiness,
      words: report.readiness
        ? "Ready for traffic"
        : `Not ready for traffic: ${shortened(report.reason ?? "no reason given")}`,
    },
    counts: countsOf(Object.values(report.dependencies)),
    asOf: { iso: report.timestamp, ago: clockTime(report.timestamp) },
    total: names.length,
    pollMs: names.length > maxCards ? 15_000 : names.length > maxFolded ? 5_000 : 3_000,
    content,
  };
}

function aboutOf(report: Report, { environment, instance }: PageSettings): readonly string[] {
  return [
    environment,
    report.version === null ? undefined : `version ${report.version}`,
    instance,
    `up ${spanOfTime(report.uptime_seconds * 1_000)}`,
  ].filter((text): text is string => text !== undefined);
}

/** The state first: a browser's tab shows little more. */
function titleOf(content: PageView["content"], state: ShownState, service: string): string {
  if (content.is === "check") return `${stateWords[content.card.status]}: ${content.card.name} · ${service}`;
  return `${stateWords[state]} · ${service}`;
}

function messageOf({ phase, message }: Report, total: number): string {
  if (phase === "draining") return "The process is about to stop and takes its leave of the balancer";
  return total === 0 ? "Nothing is checked yet" : shortened(message);
}

const maxSentence = 400;

/** Hundreds of names in a row are no sentence; the groups below name them all. */
function shortened(text: string): string {
  if (text.length <= maxSentence) return text;
  const lastSpace = text.lastIndexOf(" ", maxSentence);
  return `${text.slice(0, lastSpace > 0 ? lastSpace : maxSentence)} …`;
}

const countOrder: readonly Status[] = ["unhealthy", "unknown", "degraded", "healthy"];

function countsOf(checks: readonly DependencyReport[]): PageView["counts"] {
  return countOrder.flatMap((status) => {
    const count = checks.filter((check) => check.status === status).length;
    return count === 0 ? [] : [{ status, words: `${count} ${status}` }];
  });
}

function overview({ report, history, page, question }: PageInput, nowMs: number): Overview {
  const all = sortedNames(Object.keys(report.dependencies)).flatMap((name): readonly Entry[] => {
    const check = report.dependencies[name];
    return check ? [[name, check]] : [];
  });
  const wanted = question.find?.toLowerCase() ?? "";
  const found = wanted === "" ? all : all.filter((entry) => matches(entry, wanted));
  const sizeOf = (id: CheckGroup["id"]): CardSize =>
    id !== "healthy" ? "whole" : all.length <= maxFolded ? "folded" : "dense";
  let room = maxCards;
  let briefRoom = maxBrief;
  const groups = groupsOf(found).map(({ id, title, checks }): CheckGroup => {
    const full = checks.slice(0, room);
    room -= full.length;
    const brief = checks.slice(full.length, full.length + briefRoom);
    briefRoom -= brief.length;
    const size = sizeOf(id);
    const card = ([name, check]: Entry, entries?: readonly HistoryEntry[]): CheckCard =>
      checkCard({
        name,
        check,
        nowMs,
        traceUrl: page.traceUrl,
        history: entries,
        hasFacts: entries !== undefined && size !== "dense",
      });
    return {
      id,
      title,
      size,
      cards: full.map((entry) => card(entry, history(entry[0]))),
      brief: brief.map((entry) => card(entry)),
      unlisted: checks.length - full.length - brief.length,
    };
  });
  const canFind = all.length >= findFrom || wanted !== "";
  return { is: "overview", find: canFind ? (question.find ?? "") : undefined, groups };
}

type Entry = readonly [name: string, check: DependencyReport];

const matches = ([name, { kind, owner = "" }]: Entry, wanted: string): boolean =>
  name.toLowerCase().includes(wanted) || kind.toLowerCase() === wanted || owner.toLowerCase().includes(wanted);

const groupTitles: Readonly<Record<CheckGroup["id"], string>> = {
  broken: "Broken",
  degraded: "Degraded",
  waiting: "Waiting for the first result",
  healthy: "Healthy",
};

/** What is broken first, and what is critical first among its like; the rest in the order that it comes in. */
function groupsOf(entries: readonly Entry[]) {
  const ids = ["broken", "degraded", "waiting", "healthy"] as const;
  return ids
    .map((id) => ({
      id,
      title: groupTitles[id],
      checks: entries.filter(([, check]) => groupOf(check) === id).sort(byWeight),
    }))
    .filter(({ checks }) => checks.length > 0);
}

function groupOf({ status, stale }: DependencyReport): CheckGroup["id"] {
  if (status === "unhealthy" || stale) return "broken";
  if (status === "unknown") return "waiting";
  return status;
}

/** A check whose last run disagrees with its status may change soon: it stands before those that are quiet. */
const weightOf = (check: DependencyReport): number => (check.critical ? 2 : 0) + (isRestless(check) ? 4 : 0);
const byWeight = ([, a]: Entry, [, b]: Entry): number => weightOf(b) - weightOf(a);

const isRestless = ({ status, raw_status: raw }: DependencyReport): boolean => status === "healthy" && raw !== status;

function checkDetail({ report, history, page }: PageInput, name: string, nowMs: number): CheckDetail | NoSuchCheck {
  const check = Object.hasOwn(report.dependencies, name) ? report.dependencies[name] : undefined;
  if (check === undefined) return { is: "missing", name };
  const entries = history(name) ?? [];
  return {
    is: "check",
    card: checkCard({ name, check, nowMs, traceUrl: page.traceUrl, history: entries, hasFacts: true }),
    history: entries
      .map(({ atMs, status, durationMs }) => ({
        time: new Date(atMs).toISOString(),
        status,
        duration: durationMs === undefined ? "no run" : runTime(durationMs),
      }))
      .reverse(),
  };
}
