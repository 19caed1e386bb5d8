import { type CheckKind, reasons, verdicts } from "../../src/check.js";
import { type Finding, findingOf } from "../../src/engine/finding.js";
import { createScrubber } from "../../src/signals/scrubber.js";
import type { RunOnceResult } from "../servers/run.js";
import { plantedSecret } from "./fuzz-target.js";

/** What must hold does not. */
export class Violation extends Error {
  override readonly name = "Violation";
}

export function mustHold(claim: boolean, otherwise: string): void {
  if (!claim) throw new Violation(otherwise);
}

const scrub = createScrubber([plantedSecret]);
const longestText = 256;
const longestDetail = 1_024;
/** 200 facts and 10,000 values in lists, each at its longest, are beyond any sense; what is published must be far below. */
const longestFinding = 4_194_304;

/** A run's end as the engine publishes it: of the closed lists, in time, short, without secret and control characters. */
export function mustBeTellable({ outcome, failure, spans }: RunOnceResult, kind: CheckKind): Finding {
  const ending = failure ? { error: failure } : { outcome };
  const finding = findingOf(ending as Parameters<typeof findingOf>[0], scrub, kind.facts);
  const { status, reason, message, facts } = finding.outcome;
  mustHold(verdicts.includes(status), `unknown status ${status}`);
  mustHold(status === "healthy" ? reason === undefined : reason !== undefined && reasons.includes(reason), "no reason");
  mustHold(reason !== "internal", `internal: ${failure?.detail ?? message} ${causeOf(failure)}`);
  mustHold((message?.length ?? 0) <= longestText, "the message is too long");
  mustHold((finding.detail?.length ?? 0) <= longestDetail, "the detail is too long");
  mustBeClean([message, facts], "the outcome");
  mustHold(JSON.stringify(finding).length <= longestFinding, "the outcome is too large");
  mustHoldNoSecret([finding, failure?.message, outcome?.message], "the finding");
  for (const span of spans) {
    mustHold(span.hasEnded, `the span ${span.name} has not ended`);
    mustBeClean([span.name, span.attributes], `the span ${span.name}`);
    mustHoldNoSecret([span.name], "a span's name");
  }
  return finding;
}

function causeOf(error: unknown): string {
  const { cause } = (error ?? {}) as { cause?: unknown };
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause ?? "");
}

const control = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** No text in it, however deep, has a control or format character. */
export function mustBeClean(value: unknown, where: string): void {
  if (typeof value === "string")
    mustHold(!control.test(value), `${where} has control characters: ${JSON.stringify(value)}`);
  if (typeof value !== "object" || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    mustBeClean(key, where);
    mustBeClean(item, where);
  }
}

const secretForms = [
  plantedSecret,
  encodeURIComponent(plantedSecret),
  Buffer.from(plantedSecret).toString("base64"),
  JSON.stringify(plantedSecret).slice(1, -1),
];

export function mustHoldNoSecret(value: unknown, where: string): void {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  for (const form of secretForms) mustHold(!text.includes(form), `${where} holds a secret: ${text.slice(0, 500)}`);
}
