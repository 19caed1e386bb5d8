import type { CheckKind, FactTable } from "../check.js";
import { type HttpOptions, httpOptions } from "../wire/http-options.js";

export type { HttpOptions } from "../wire/http-options.js";

const milliseconds = (name: string, description: string) =>
  ({
    type: "number",
    unit: "ms",
    description,
    metric: { name: `health.http.${name}`, unit: "s", scale: 0.001 },
  }) as const;

const facts: FactTable = {
  status_code: {
    type: "number",
    description: "The answer's status.",
    metric: { name: "health.http.status_code", unit: "{code}" },
  },
  dns_ms: milliseconds("dns", "Resolving the name; absent when the URL holds an address."),
  connect_ms: milliseconds("connect", "From the resolved address to the established connection."),
  tls_ms: milliseconds("tls", "The TLS handshake; absent for http."),
  ttfb_ms: milliseconds("ttfb", "From the request sent to the head of the answer."),
  body_bytes: {
    type: "number",
    unit: "By",
    description: "How much of the body was read, as it came over the wire.",
    metric: { name: "health.http.body.size", unit: "By" },
  },
  http_version: { type: "string", description: "The protocol version of the answer." },
  certificate_days_left: {
    type: "number",
    unit: "d",
    description: "Days until the server's certificate ends, below zero afterwards. Known of a rejected one too.",
    metric: { name: "health.http.certificate.time_left", unit: "s", scale: 86_400 },
  },
};

export const httpKind: CheckKind<HttpOptions> = {
  kind: "http",
  summary: "An HTTP request is answered with the expected status, headers and body.",
  options: httpOptions,
  facts,
  defaults: { intervalMs: 30_000, timeoutMs: 5_000 },
  create: () => {
    throw new Error("not built yet");
  },
  fromUrl: (url) => (url.protocol === "http:" || url.protocol === "https:" ? { url: url.href } : undefined),
};
