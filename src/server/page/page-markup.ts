import { script, style } from "./assets.js";
import { briefCheck, checkArticle, checkItem, historyTable, statusSign } from "./check-markup.js";
import { html, type Markup } from "./markup.js";
import { icon, signs } from "./signs.js";
import type { CheckGroup, Overview, PageView } from "./view.js";
import { clockTime, plural, type ShownState, stateWords } from "./wording.js";

/** The whole document. `base` leads from the page's address to where its assets are. */
export function pageDocument(view: PageView, base: string): string {
  const head = { title: view.title, state: view.state, base, script: script.name };
  return documentOf(
    head,
    html`<a class="skip" href="#main">Skip to the checks</a>
<header>
<h1>${view.service}</h1>
<p class="about">${view.about.map((text) => html`<span>${text}</span> `)}</p>
<div class="live" id="live" data-old-icon="${icon("unknown")}"><p>As of <time datetime="${view.asOf.iso}">${clockTime(view.asOf.iso)}</time><noscript>; reload for news</noscript></p></div>
</header>
<div id="alert" role="alert"></div>
<p id="said" class="unseen" role="status"></p>
<main id="main" tabindex="-1" data-poll-ms="${view.pollMs}" data-at="${view.asOf.iso}">
${verdict(view)}
${content(view)}</main>
<footer><p>Answered from memory by Healthspan: looking at this page starts no check.</p></footer>`,
  );
}

/** For whoever may not see the details: how to come in. */
export const refusalDocument = (title: string, words: readonly string[], base: string): string =>
  documentOf(
    { title, state: "unknown", base },
    html`<main id="main" class="refusal"><h1>${title}</h1>${words.map((text) => html`<p>${text}</p>`)}</main>`,
  );

interface Head {
  readonly title: string;
  readonly state: ShownState;
  readonly base: string;
  readonly script?: string;
}

function documentOf(head: Head, body: Markup): string {
  return html`<!doctype html>
<html lang="en" class="s-${head.state}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${head.title}</title>
<link rel="icon" type="image/svg+xml" href="${icon(head.state)}">
<link rel="stylesheet" href="${head.base}assets/${style.name}">
${head.script && html`<script type="module" src="${head.base}assets/${head.script}"></script>`}
</head>
<body>
${signs}
${body}
</body>
</html>
`.text;
}

function verdict({ state, message, readiness, counts, total, content: { is } }: PageView): Markup {
  return html`<section class="verdict s-${state}" aria-labelledby="verdict">
<h2 id="verdict">${statusSign(state)}${stateWords[state]}</h2>
<p class="message">${message}</p>
<p class="readiness">${statusSign(readiness.isReady ? "healthy" : "unhealthy")}${readiness.words}</p>
${total > 0 && html`<ul class="counts" aria-label="${plural(total, "check")}">${counts.map(({ status, words }) => html`<li class="s-${status}">${statusSign(status)}${words}</li>`)}</ul>`}
${is !== "overview" && html`<p><a href="?">All checks</a></p>`}
</section>`;
}

function content({ content: shown, total }: PageView): Markup {
  if (shown.is === "overview") return total === 0 ? nothingChecked : overview(shown);
  if (shown.is === "check") return html`${checkArticle(shown.card)}${historyTable(shown.history)}`;
  return html`<section class="empty"><h2>No such check</h2><p>There is no check named ${shown.name}. It may have been renamed or removed.</p></section>`;
}

const nothingChecked = html`<section class="empty"><h2>No checks yet</h2>
<p>Add one under <code>checks:</code> of the configuration, or in a library by <code>health.register</code>. <code>healthspan validate</code> shows which configuration is read.</p></section>`;

function overview({ find, groups }: Overview): Markup {
  const isEmpty = groups.length === 0;
  return html`${find !== undefined && findForm(find)}
${groups.map(group)}${isEmpty && html`<section class="empty"><h2>Nothing found</h2><p>No check's name or owner contains “${find}”, and it is no kind. <a href="?">Show all checks</a></p></section>`}`;
}

/** Without a script it is an ordinary form; the answer keeps polling either way. */
const findForm = (find: string): Markup =>
  html`<form class="find" role="search"><label for="find">Find checks</label><input id="find" name="find" type="search" value="${find}" maxlength="100" placeholder="name, kind or owner" autocomplete="off"><button>Find</button>${find !== "" && html`<a href="?">Show all</a>`}</form>`;

function group({ id, title, size, cards, brief, unlisted }: CheckGroup): Markup {
  return html`<section class="group g-${id}" id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title} <span class="count">${cards.length + brief.length + unlisted}</span></h2>
${cards.length > 0 && html`<ul class="checks ${size}">${cards.map((card) => checkItem(card, size))}</ul>`}
${brief.length > 0 && html`<ul class="briefs">${brief.map(briefCheck)}</ul>`}
${unlisted > 0 && html`<p class="note">${plural(unlisted, "check")} more in this state, too many to list: find them by name, kind or owner.</p>`}
</section>
`;
}
