import { createPolicy, type Facts } from "../../src/check.js";
import { httpKind } from "../../src/kinds/http.js";
import type { CheckIdentity } from "../../src/signals/record.js";

export const checkCount = 1_000;

/** What an HTTP run finds. */
export const facts: Facts = {
  status_code: 200,
  dns_ms: 1.5,
  connect_ms: 0.8,
  tls_ms: 4.2,
  ttfb_ms: 12.25,
  body_bytes: 512,
  http_version: "1.1",
  certificate_days_left: 61,
};

export function httpCheck(index: number): CheckIdentity {
  const name = `check-${String(index).padStart(5, "0")}`;
  const policy = createPolicy(name, httpKind, { labels: { team: "core" }, intervalMs: 1_000, timeoutMs: 900 });
  return { policy, facts: httpKind.facts, hasOpenFacts: false };
}
