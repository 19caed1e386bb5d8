import type { CheckCard, Linked, Moment } from "./check-view.js";
import type { FactLine, FactLines } from "./fact-lines.js";
import { figureHeight, type HistoryFigure } from "./history-figure.js";
import { html, type Markup } from "./markup.js";
import type { CardSize, CheckDetail } from "./view.js";
import { clockTime, plural, stateWords } from "./wording.js";

/** The sign of a status, drawn once in the page's head and used by name: shapes differ as the colours do. */
export const statusSign = (status: string): Markup =>
  html`<svg class="sign" viewBox="0 0 16 16" aria-hidden="true"><use href="#sign-${status}"/></svg>`;

const time = (moment: Moment, words: string): Markup =>
  html`<time datetime="${moment.iso}" title="${clockTime(moment.iso)}">${words}</time>`;

const link = ({ text, href }: Linked, words = text): Markup =>
  href === undefined ? html`<span>${text}</span>` : html`<a href="${href}" rel="noreferrer">${words}</a>`;

/** A check that needs no second look: one line, all that 800 of its kind have room for. */
export const briefCheck = ({ name, query, status, state, trouble }: CheckCard): Markup =>
  html`<li class="brief s-${status}" id="c-${query.slice(7)}">${statusSign(status)}<a href="${query}">${name}</a> <span>${state}</span>${trouble && html` <span class="why">${trouble.message}</span>`}</li>
`;

/** A check in a list; what matters while it is broken is in sight, and of one that is well a click away. */
export function checkItem(card: CheckCard, size: CardSize): Markup {
  const rest = size === "dense" ? undefined : detailRows(card);
  return html`<li class="check s-${card.status}" id="c-${card.query.slice(7)}">
<div class="head">${statusSign(card.status)}<h3><a href="${card.query}">${card.name}</a></h3>${tags(card)}</div>
${stateLine(card)}
${figureMarkup(card.figure)}
${size === "whole" ? rest : rest && html`<details><summary>Details<span class="unseen"> of ${card.name}</span></summary>${rest}</details>`}
</li>
`;
}

/** A check on a page of its own. */
export const checkArticle = (card: CheckCard): Markup =>
  html`<article class="check s-${card.status}" id="check">
<div class="head">${statusSign(card.status)}<h2>${card.name}</h2>${tags(card)}</div>
${stateLine(card)}
${figureMarkup(card.figure)}
${detailRows(card)}
</article>
`;

const tags = ({ kind, critical }: CheckCard): Markup =>
  html`<span class="tag">${kind}</span>${critical && html`<span class="tag critical">critical</span>`}`;

function stateLine({ state, since, lastRun, trouble, description }: CheckCard): Markup {
  const run =
    lastRun &&
    html` <span class="run">${lastRun.duration && html`${lastRun.duration}<span class="when">, </span>`}<span class="when">${time(lastRun, lastRun.ago)}</span></span>`;
  return html`<p class="state">${since ? time(since, state) : state}${run}</p>
${trouble && html`<p class="why">${trouble.reason && html`<code>${trouble.reason}</code> `}${trouble.message}</p>`}${description && html`<p class="note">${description}</p>`}`;
}

function figureMarkup(figure: HistoryFigure | undefined): Markup | undefined {
  if (figure === undefined) return undefined;
  const { width, line, bars, words, durations } = figure;
  const box = `0 0 ${width} ${figureHeight}`;
  return html`<figure><svg viewBox="${box}" preserveAspectRatio="none" role="img" aria-label="${words}">${line && html`<path class="line" d="${line}"/>`}${bars.map(({ status, path }) => html`<path class="b-${status}" d="${path}"/>`)}</svg>${durations && html`<figcaption aria-hidden="true">${durations}</figcaption>`}</figure>`;
}

/** Undefined where there is nothing more to say. */
function detailRows(card: CheckCard): Markup | undefined {
  const { since, lastFailure, trace, owner, runbook, facts, failuresInRow, skippedThresholds } = card;
  const rows = [
    since && row("Since", clockTime(since.iso)),
    failuresInRow > 1 && row("In a row", plural(failuresInRow, "failure")),
    lastFailure && row("Last failure", lastFailureMarkup(lastFailure, card)),
    trace && trace.text !== lastFailure?.trace?.text && row("Last trace", traceOf(trace)),
    owner && row("Owner", link(owner)),
    runbook && row("Runbook", link(runbook)),
    skippedThresholds.length > 0 && row("Not judged", `${skippedThresholds.join(", ")}: absent from the last run`),
    ...factRows(facts),
  ].filter((each) => each instanceof Object);
  return rows.length === 0 ? undefined : html`<dl>${rows}</dl>`;
}

/** What the check complains of already is not said twice. */
function lastFailureMarkup(failure: NonNullable<CheckCard["lastFailure"]>, { trouble }: CheckCard): Markup {
  const { reason, message, trace } = failure;
  const isSaid = trouble?.reason === reason && trouble.message === message;
  return html`${clockTime(failure.iso)}, ${failure.ago}${!isSaid && html`: <code>${reason}</code> ${message}`}${trace && html`, trace ${traceOf(trace)}`}`;
}

const traceOf = (trace: Linked): Markup =>
  html`<span class="trace">${trace.href === undefined ? html`<code>${trace.text}</code>` : link(trace)}</span>`;

const row = (name: string, value: Markup | string): Markup => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;

const factRows = ({ lines, omitted }: FactLines): readonly Markup[] => [
  ...lines.map((line) => html`<div class="fact"><dt>${line.name}</dt><dd>${factValue(line)}</dd></div>`),
  ...(omitted > 0 ? [row("And", `${omitted} more in the report`)] : []),
];

function factValue({ texts, table }: FactLine): Markup | string {
  if (table === undefined) return texts.join(", ");
  const heads = table.columns.map((column) => html`<th scope="col">${column}</th>`);
  const rows = table.rows.map((cells) => html`<tr>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`);
  return html`<div class="wide"><table><thead><tr>${heads}</tr></thead><tbody>${rows}</tbody></table></div>`;
}

/** Every result that is remembered, for whoever cannot or will not read the figure. */
export const historyTable = (history: CheckDetail["history"]): Markup =>
  html`<div class="wide"><table><caption>Results in memory, newest first</caption><thead><tr><th scope="col">Time</th><th scope="col">Result</th><th scope="col">Duration</th></tr></thead><tbody>${history.map(
    (entry) =>
      html`<tr class="s-${entry.status}"><td><time datetime="${entry.time}">${clockTime(entry.time)}</time></td><td>${statusSign(entry.status)} ${stateWords[entry.status]}</td><td>${entry.duration}</td></tr>`,
  )}</tbody></table></div>
`;
