import { format } from "node:util";
import { type DiagLogFunction, DiagLogLevel, diag } from "@opentelemetry/api";
import type { Diagnostic, OnDiagnostic } from "./delivery.js";
import type { TelemetrySettings } from "./settings.js";

const levels: Readonly<Record<TelemetrySettings["diagnostics"], DiagLogLevel>> = {
  none: DiagLogLevel.NONE,
  error: DiagLogLevel.ERROR,
  warn: DiagLogLevel.WARN,
  info: DiagLogLevel.INFO,
  debug: DiagLogLevel.DEBUG,
  verbose: DiagLogLevel.VERBOSE,
  all: DiagLogLevel.ALL,
};
const maxRemembered = 100;
const maxLength = 2_000;

/**
 * Sends what the SDK says of itself to the process log. A warning or an error is said once, not once per batch. The
 * API keeps one such logger per process.
 */
export function listenToSdk(level: TelemetrySettings["diagnostics"], onDiagnostic: OnDiagnostic): void {
  const said = new Set<string>();
  const say =
    (severity: Diagnostic["level"]): DiagLogFunction =>
    (...parts) => {
      const message = `OpenTelemetry: ${format(...parts.map(severity === "debug" ? asIs : withoutStack))}`.slice(
        0,
        maxLength,
      );
      if (severity === "warn" || severity === "error") {
        const kind = kindOf(parts);
        if (said.has(kind)) return;
        if (said.size >= maxRemembered) said.clear();
        said.add(kind);
      }
      onDiagnostic({ level: severity, message });
    };
  const logger = {
    error: say("error"),
    warn: say("warn"),
    info: say("info"),
    debug: say("debug"),
    verbose: say("debug"),
  };
  diag.setLogger(logger, { logLevel: levels[level], suppressOverrideMessage: true });
}

/** What is said, without what differs from one time to the next: numbers, errors and data. */
function kindOf(parts: readonly unknown[]): string {
  const words = parts.filter((part) => typeof part === "string").join(" ");
  return words.replace(/\d+/g, "#").slice(0, maxLength);
}

const asIs = (part: unknown): unknown => part;
const withoutStack = (part: unknown): unknown => (part instanceof Error ? part.message : part);
