import type { z } from "zod";
import {
  type BoundKind,
  type Check,
  CheckFailure,
  type CheckKind,
  type CheckRun,
  type FactTable,
  type Outcome,
} from "../check.js";
import { attr } from "../semconv.js";
import { cancellationOf } from "../wire/abortable.js";
import { HttpCall } from "../wire/http-call.js";
import type { HttpBody } from "../wire/http-exchange.js";
import {
  type BadRequest,
  badRequest,
  bodyMismatch,
  expectStatus,
  headerMismatch,
  type Mismatch,
  retryAfterMs,
  type StatusExpectation,
  statusMismatch,
} from "../wire/http-expectation.js";
import type { HttpHead } from "../wire/http-head.js";
import { type HttpOptions, httpOptions } from "../wire/http-options.js";
import { isRedirect, redirectedTarget } from "../wire/http-redirect.js";
import { createHttpTarget, type HttpTarget } from "../wire/http-target.js";
import type { SecureDialer } from "../wire/secure-socket.js";

export type { HttpOptions } from "../wire/http-options.js";

/** What servers say about a bad request fits; bytes. */
const maxHintBytes = 4_096;

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
    metric: {
      name: "health.http.certificate.time_left",
      unit: "s",
      scale: 86_400,
      description: "Time until the server's certificate ends, below zero afterwards.",
    },
  },
};

export const httpKind: CheckKind<HttpOptions> = {
  kind: "http",
  summary: "An HTTP request is answered with the expected status, headers and body.",
  options: httpOptions,
  facts,
  defaults: { intervalMs: 30_000, timeoutMs: 5_000 },
  create: (options) => new HttpCheck(options),
  urlExample: "https://example.org/",
  fromUrl: (url) => (url.protocol === "http:" || url.protocol === "https:" ? { url: url.href } : undefined),
};

export type HttpInput = z.input<typeof httpOptions>;

/** An HTTP request is made, for `register`. */
export function http(options: HttpInput): BoundKind {
  return { kind: httpKind, options };
}

class HttpCheck implements Check {
  // Private by the language, so that no JSON, log or dump of a check shows a secret.
  readonly #options: HttpOptions;
  readonly #target: HttpTarget;
  readonly #status: StatusExpectation;
  #dialer: SecureDialer | undefined;

  constructor(options: HttpOptions) {
    this.#options = options;
    const { url, method, headers = {}, body, tls = {}, ipFamily } = options;
    this.#target = createHttpTarget(new URL(url), { method, headers, body, tls, ipFamily });
    this.#status = expectStatus(options.expect.status);
  }

  async run(run: CheckRun): Promise<Outcome> {
    let target = this.#target;
    for (let redirects = 0; ; redirects++) {
      const found = await this.request(target, redirects, run);
      if ("status" in found) return found;
      target = found;
    }
  }

  /** One request on a connection of its own: an outcome, or where a redirect leads. */
  private request(target: HttpTarget, redirects: number, run: CheckRun): Promise<Outcome | HttpTarget> {
    const cancellation = cancellationOf(run);
    return run.trace.client(target.request.method, target.attributes, async (span) => {
      if (redirects > 0) span.set({ [attr.httpRequestResendCount]: redirects });
      const call = new HttpCall(target, span);
      try {
        const dialer = target.isSecure ? await this.dialerFor(target) : undefined;
        const head = await call.send(cancellation, dialer, this.mayPropagate(target));
        if (redirects < this.#options.followRedirects && isRedirect(head.status)) {
          return redirectedTarget(target, head.status, head.headers.location);
        }
        await this.judge(call, head, redirects);
        return { status: "healthy", facts: call.facts };
      } catch (error) {
        throw call.failure(error, cancellation);
      } finally {
        call.close();
      }
    });
  }

  private async dialerFor(target: HttpTarget): Promise<SecureDialer> {
    if (target === this.#target && this.#dialer) return this.#dialer;
    const { createSecureDialer } = await import("../wire/secure-socket.js");
    const dialer = createSecureDialer(target.request.tls, target.socket.host, ["http/1.1"]);
    if (target === this.#target) this.#dialer = dialer;
    return dialer;
  }

  /** Our trace is for the service that was configured, not for wherever it sends us. */
  private mayPropagate(target: HttpTarget): boolean {
    return this.#options.propagate && (target === this.#target || target.url.origin === this.#target.url.origin);
  }

  private async judge(call: HttpCall, head: HttpHead, redirects: number): Promise<void> {
    const { expect, maxBodyBytes } = this.#options;
    const mismatch = statusMismatch(head.status, this.#status);
    if (mismatch) throw await this.statusFailure(mismatch, call, head, redirects);
    refuse(headerMismatch(head.headers, expect.headers));
    const isBodyJudged = expect.bodyContains !== undefined || expect.json !== undefined;
    const body = await call.body(head, maxBodyBytes, isBodyJudged);
    if (!isBodyJudged) return;
    const coding = head.headers["content-encoding"]?.trim().toLowerCase() || "identity";
    const plain = coding === "identity" ? body : await expanded(body, coding, maxBodyBytes);
    refuse(bodyMismatch({ text: plain.bytes.toString(), isWhole: plain.isWhole }, expect));
  }

  private async statusFailure({ reason, message }: Mismatch, call: HttpCall, head: HttpHead, redirects: number) {
    const { status } = head;
    const isAskedToWait = status === 429 || status === 503;
    const waitMs = isAskedToWait ? retryAfterMs(head.headers["retry-after"], Date.now()) : undefined;
    const known = await this.explanation(call, head, redirects);
    return new CheckFailure(known?.reason ?? reason, known ? `${message}: ${known.hint}` : message, {
      ...(waitMs !== undefined && { retryAfterMs: waitMs }),
    });
  }

  private async explanation(
    call: HttpCall,
    head: HttpHead,
    redirects: number,
  ): Promise<Partial<BadRequest> | undefined> {
    const { status } = head;
    if (isRedirect(status)) {
      return {
        hint: redirects === 0 ? "redirects are followed only with `followRedirects`" : "`followRedirects` is used up",
      };
    }
    if (status !== 400) return undefined;
    // Whatever becomes of the rest, the status has been said.
    const body = await call.body(head, maxHintBytes, true).catch(() => undefined);
    return body && badRequest(body.bytes.toString());
  }
}

async function expanded(body: HttpBody, coding: string, maxBytes: number): Promise<HttpBody> {
  const { expandBody } = await import("../wire/http-decoding.js");
  return expandBody(body, coding, maxBytes);
}

function refuse(mismatch: Mismatch | undefined): void {
  if (!mismatch) return;
  const { reason, message, detail } = mismatch;
  throw new CheckFailure(reason, message, detail === undefined ? {} : { detail });
}
