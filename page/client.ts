import { morph } from "./morph.js";

/**
 * Keeps an open page true: asks for the same page again and takes over what differs. What it cannot renew it marks as
 * old. Without this script the page is as it was when it was sent, and says of when that is.
 */
const timeoutMs = 10_000;
/** A page that takes long to come is asked for less often: it costs the agent as much as us. */
const restFactor = 10;
const maxRestMs = 30_000;

const root = document.documentElement;
const live = byId("live");
const alertBox = byId("alert");
const said = byId("said");
const pauseButton = document.createElement("button");
const age = document.createElement("p");

let newestMs = Date.now();
/** Why the last request failed; empty when it did not. */
let trouble = "";
let isPaused = false;
let timer: number | undefined;
/** How long after an answer the next request is due. */
let restMs = 0;
let isAsking = false;
let title = document.title;
let iconHref = icon()?.getAttribute("href") ?? "";

function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
}

const pollMs = (): number => Number(byId("main").dataset.pollMs ?? 5_000);

async function ask(): Promise<void> {
  if (isAsking || isPaused || document.hidden) return;
  isAsking = true;
  clearTimeout(timer);
  const startMs = performance.now();
  // Whoever does not answer has not paid for one: then it is asked again as usual.
  restMs = pollMs();
  try {
    const next = await fetchPage();
    // It may have been paused meanwhile.
    if (!isPaused) take(next);
    restMs = Math.max(pollMs(), Math.min((performance.now() - startMs) * restFactor, maxRestMs));
    trouble = "";
  } catch (error) {
    trouble = error instanceof Refused ? error.message : "no answer from the agent";
  }
  isAsking = false;
  show();
  plan();
}

function plan(): void {
  clearTimeout(timer);
  if (!isPaused && !document.hidden) timer = setTimeout(() => void ask(), restMs);
}

/** It answered, and not with the page. */
class Refused extends Error {}

async function fetchPage(): Promise<Document> {
  // Without what the address may hold of credentials: a request by such an address is refused.
  const address = location.origin + location.pathname + location.search;
  const response = await fetch(address, {
    cache: "no-store",
    redirect: "error",
    headers: { Accept: "text/html" },
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (response.status === 401) throw new Refused("the agent asks for the token; reload the page");
  const next = new DOMParser().parseFromString(await response.text(), "text/html");
  // A page too, if it is ours: the one of a check that does not exist, or no longer.
  const isPage = response.ok || (response.status === 404 && isOurs(next));
  if (!isPage) throw new Refused(`the agent answers ${response.status}`);
  if (!isOurs(next)) throw new Refused("what answers is not the agent");
  return next;
}

const isOurs = (page: Document): boolean => page.querySelector("main#main[data-at]") !== null;

function take(next: Document): void {
  // Another version of the agent: its page needs its own script and style.
  if (scriptOf(next) !== scriptOf(document)) {
    location.reload();
    return;
  }
  const refocus = rememberFocus();
  const before = verdictText();
  // Another service may have come to this address.
  for (const selector of ["main", "h1", ".about"]) renew(selector, next);
  root.className = next.documentElement.className;
  title = next.title;
  iconHref = icon(next)?.getAttribute("href") ?? "";
  refocus();
  newestMs = Date.now();
  // Only this is read aloud; ages and durations change all the time.
  const after = verdictText();
  if (before !== after) said.textContent = after;
}

const focusable = "a, button, input, summary";

/** A check that moved to another group is another element there: the focus goes to the same place in it. */
function rememberFocus(): () => void {
  const focused = document.activeElement;
  const owner = focused?.closest("[id]");
  const index = focused && owner ? [...owner.querySelectorAll(focusable)].indexOf(focused) : -1;
  return () => {
    if (focused === null || focused === document.activeElement || owner === null || owner === undefined) return;
    const same = focused.isConnected ? focused : document.getElementById(owner.id)?.querySelectorAll(focusable)[index];
    if (same instanceof HTMLElement) same.focus({ preventScroll: true });
  };
}

const scriptOf = (page: Document): string | null | undefined =>
  page.querySelector("script[src]")?.getAttribute("src")?.split("/").at(-1);

function icon(page: Document = document): Element | null {
  return page.querySelector('link[rel="icon"]');
}

function renew(selector: string, next: Document): void {
  const [from, to] = [document.querySelector(selector), next.querySelector(selector)];
  if (from !== null && to !== null) morph(from, to);
}

const verdictText = (): string =>
  ["#verdict", ".message"].map((selector) => document.querySelector(selector)?.textContent ?? "").join(": ");

/** How old the page is, in words and in looks. */
function show(): void {
  const ageMs = Date.now() - newestMs;
  const isLost = trouble !== "";
  const isOld = isLost || isPaused || ageMs > restMs + timeoutMs;
  root.classList.toggle("stale", isOld);
  setText(age, `${isPaused ? "Paused, updated" : "Updated"} ${span(ageMs)} ago`);
  // As every other time on the page.
  const since = `${new Date(newestMs).toISOString().slice(11, 19)} UTC`;
  setText(alertBox, isLost ? `Connection lost since ${since}: ${trouble}. What you see is how it was then.` : "");
  const href = isOld ? (live.dataset.oldIcon ?? "") : iconHref;
  if (icon()?.getAttribute("href") !== href) icon()?.setAttribute("href", href);
  const service = document.querySelector("h1")?.textContent ?? "";
  document.title = isLost ? `No connection · ${service}` : isPaused ? `Paused · ${title}` : title;
}

/** A live region speaks whenever it is written to, even if it says the same. */
function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  return seconds < 120 ? `${seconds} s` : `${Math.floor(seconds / 60)} min`;
}

function setPaused(paused: boolean): void {
  isPaused = paused;
  pauseButton.textContent = paused ? "Resume" : "Pause";
  show();
  if (!paused) void ask();
}

pauseButton.type = "button";
pauseButton.textContent = "Pause";
pauseButton.addEventListener("click", () => setPaused(!isPaused));
live.replaceChildren(age, pauseButton);
document.addEventListener("visibilitychange", () => {
  // What was fetched before the tab was left may be hours old: say so first.
  show();
  if (document.hidden) clearTimeout(timer);
  else void ask();
});
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) void ask();
});
setInterval(() => {
  if (!document.hidden) show();
}, 1_000);
restMs = pollMs();
show();
plan();
