import { describe, expect, it } from "vitest";
import type { DependencyReport } from "../../../src/health/report.js";
import { script, style } from "../../../src/server/page/assets.js";
import { pageDocument, refusalDocument } from "../../../src/server/page/page-markup.js";
import { hostileLinks, hostileTexts } from "./hostile.js";
import { entry, isoBefore, reportOf, unhealthy, type ViewOptions, viewOf } from "./reports.js";

const render = (checks: Readonly<Record<string, DependencyReport>>, options?: ViewOptions): string =>
  pageDocument(viewOf(checks, options), "./");

/** Every place that a config or a target can write to, filled with the same text. */
function everywhere(text: string): string {
  const failure = { time: isoBefore(1_000), reason: "internal", message: text, trace_id: text } as const;
  const check = unhealthy({
    kind: text,
    error: text,
    trace_id: text,
    last_failure: failure,
    metadata: { [text]: text, list: [text], rows: [{ [text]: text }] },
    skipped_thresholds: [text],
    description: text,
    owner: text,
    runbook: text,
  });
  const options = {
    report: {
      ...reportOf({}),
      dependencies: { [text]: check, other: { ...check, status: "healthy" } },
      message: text,
      reason: text,
      readiness: false,
      version: text,
    },
    page: { service: text, environment: text, instance: text, traceUrl: `https://grafana/${text}{traceId}` },
  } as const;
  return [
    render({}, options),
    render({}, { ...options, question: { check: text } }),
    render({}, { ...options, question: { check: `${text}?` } }),
    render({}, { ...options, question: { find: text } }),
    render({}, { ...options, question: { find: `no ${text}` } }),
  ].join("");
}

describe("the document", () => {
  it.each(hostileTexts)("lets %j be nothing but text", (text) => {
    const page = everywhere(text);
    const harmless = everywhere("harmless");
    // The same elements with the same attributes, whatever is written into them.
    const shape = (html: string): string => html.replace(/"[^"]*"/g, '""').replace(/>[^<]*</g, "><");
    const withoutLinks = (html: string): string =>
      shape(html).replace(/<a href="" rel="">|<span>|<code>|<\/(a|span|code)>/g, "");
    expect(withoutLinks(page)).toBe(withoutLinks(harmless));
    expect(page).not.toMatch(/<script(?! type="module" src=)/);
  });

  it.each(hostileLinks)("leads nowhere by %j", (text) => {
    const hrefs = [...everywhere(text).matchAll(/\s(?:href|src)="([^"]*)"/g)].map(([, href = ""]) => href);
    expect(hrefs.length).toBeGreaterThan(10);
    for (const href of hrefs) expect(href).toMatch(/^(https:\/\/grafana\/|\?|#|\.\/assets\/|data:image\/svg\+xml,)/);
  });

  it("has no script, style or handler of its own, so that a strict policy can hold", () => {
    const page = render({ a: unhealthy(), b: entry() });
    expect(page).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]* src=)|javascript:/);
    expect(page).toContain(`<link rel="stylesheet" href="./assets/${style.name}">`);
    expect(page).toContain(`<script type="module" src="./assets/${script.name}"></script>`);
  });

  it("says of when it is, for whoever runs no script", () => {
    expect(render({})).toContain(
      'As of <time datetime="2026-11-21T12:00:00.000Z">2026-11-21 12:00:00 UTC</time><noscript>; reload',
    );
  });

  it("says by the clock since when a check is broken, and when it failed: on a phone nothing is hovered", () => {
    const failure = {
      time: isoBefore(1_000),
      reason: "refused",
      message: "connection refused",
      trace_id: null,
    } as const;
    const page = render({ a: unhealthy({ since: isoBefore(3_600_000), last_failure: failure }) });
    expect(page).toContain("<dt>Since</dt><dd>2026-11-21 11:00:00 UTC</dd>");
    expect(page).toContain("<dt>Last failure</dt><dd>2026-11-21 11:59:59 UTC, 1 s ago");
  });

  it("has no id twice", () => {
    const ids = [...render({ a: entry(), "a b": unhealthy(), A: entry() }).matchAll(/\sid="([^"]*)"/g)].map(
      ([, id]) => id,
    );
    expect(ids.length).toBeGreaterThan(8);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("weighs under 60 KB with ten checks, all told", () => {
    const history = Array.from({ length: 120 }, (_, index) => ({
      atMs: index,
      status: index % 7 === 0 ? ("unhealthy" as const) : ("healthy" as const),
      durationMs: (index * 37) % 100,
    }));
    const facts = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`fact_${index}`, index * 1.5]));
    const checks = Array.from(
      { length: 10 },
      (_, index) => [`check-${index}`, unhealthy({ metadata: facts })] as const,
    );
    const page = render(Object.fromEntries(checks), { history });
    expect(Buffer.byteLength(page + style.text + script.text)).toBeLessThan(60_000);
  });

  it("refuses in a page that a person can read", () => {
    expect(refusalDocument("No <entry>", ["a & b"], "./x/")).toMatch(/<h1>No &lt;entry&gt;<\/h1><p>a &amp; b<\/p>/);
  });

  it("says how many checks it does not list, and how to come to them", () => {
    const text = render(Object.fromEntries(Array.from({ length: 1_200 }, (_, index) => [`c${index}`, entry()])));
    expect(text).toContain("200 checks more in this state, too many to list: find them by name, kind or owner.");
    expect(text).toContain('<span class="count">1200</span>');
    expect(render({ one: entry() })).not.toContain("too many to list");
  });
});
