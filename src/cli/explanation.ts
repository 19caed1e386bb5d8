import type { RecordedSpan } from "../agent/once.js";
import type { AgentConfig, ConfiguredCheck } from "../config/agent-config.js";
import { printConfig } from "../config/print.js";
import type { Paint } from "./terminal.js";
import { renderWaterfall } from "./waterfall.js";

/** Each run's spans, and the options it ran with, where each was said, secrets masked. */
export function renderExplanation(config: AgentConfig, spans: readonly RecordedSpan[], paint: Paint): string {
  const sections = config.checks.flatMap((check) => {
    const own = spansOf(check.policy.name, spans);
    if (own.length === 0) return [];
    return `\n${renderWaterfall(own, { paint })}${paint("dim", "options")}\n${renderOptions(config, check)}`;
  });
  return sections.join("");
}

/** A run is one trace; its root names the check. */
function spansOf(name: string, spans: readonly RecordedSpan[]): readonly RecordedSpan[] {
  const root = spans.find((span) => span.parentSpanId === undefined && span.attributes["health.check.name"] === name);
  return root ? spans.filter((span) => span.traceId === root.traceId) : [];
}

/** This check's part of what `validate --print` shows. */
function renderOptions(config: AgentConfig, check: ConfiguredCheck): string {
  const [, printed = ""] = printConfig({ ...config, checks: [check] }).split(/^checks:\n/m);
  return printed;
}
