import { CheckFailure, type ClientSpan } from "../check.js";
import { HttpCall } from "./http-call.js";
import { exchangeFailure, type HttpBody } from "./http-exchange.js";
import type { HttpHead } from "./http-head.js";
import { createHttpTarget } from "./http-target.js";
import { lateModule } from "./late-module.js";
import type { RefusedAnswer } from "./llm-failure.js";
import { statusFailure } from "./llm-failure.js";
import type { SecureDialer } from "./secure-socket.js";
import type { TlsOptions } from "./tls-options.js";

/** Far above the longest list of models; what is longer is cut off. */
const maxBodyBytes = 4_194_304;
/** Of an error no more is read, and it may be cut. */
const maxErrorBytes = 65_536;

export interface LlmEndpoint {
  /** Neither key nor headers are given. */
  readonly isAnonymous: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsOptions;
  /** For https. */
  readonly dialer: SecureDialer | undefined;
}

/**
 * One request of the client package, over a socket of ours: it is the run's signal that ends it, whatever stalls; names
 * are looked up with care, redirects are not followed, and bodies have their limits. Of the package's headers none is
 * sent but what the body is: it would add what it finds in the environment.
 */
export class LlmExchange {
  /** Once the head of the answer is there. */
  answer: RefusedAnswer | undefined;
  /** When the request was sent, by `performance.now()`. */
  sentMs = 0;
  private call: HttpCall | undefined;
  private error: unknown;

  constructor(
    private readonly endpoint: LlmEndpoint,
    private readonly span: ClientSpan,
    private readonly signal: AbortSignal,
    private readonly isStreamed: boolean,
  ) {}

  readonly fetch = async (url: unknown, init?: RequestInit): Promise<Response> => {
    try {
      return await this.send(String(url), init ?? {});
    } catch (error) {
      this.error = error;
      throw error;
    }
  };

  /** The body of a streamed answer, as it comes. */
  async *pieces(): AsyncGenerator<Uint8Array> {
    try {
      if (this.call) yield* this.call.pieces();
    } catch (error) {
      this.error = error;
      throw error;
    }
  }

  /** What was thrown, as a failure. The client package wraps what it gets, so that what was seen here is truer. */
  failure(error: unknown): unknown {
    const { signal, answer } = this;
    if (signal.aborted && signal.reason instanceof CheckFailure) return signal.reason;
    if (error instanceof CheckFailure) return error;
    if (this.error !== undefined) return exchangeFailure(this.error);
    if (answer && !isSuccess(answer.status)) {
      return statusFailure({ ...answer, isAnonymous: this.endpoint.isAnonymous }, Date.now());
    }
    const detail = error instanceof Error ? error.message : String(error);
    return error instanceof SyntaxError ? new CheckFailure("protocol", "the answer is no JSON", { detail }) : error;
  }

  close(): void {
    this.call?.close();
  }

  private async send(url: string, { method = "GET", body }: RequestInit): Promise<Response> {
    const { endpoint, signal, span } = this;
    const content = typeof body === "string" ? { "content-type": "application/json" } : {};
    const target = createHttpTarget(new URL(url), {
      method: method.toUpperCase(),
      headers: { ...content, ...endpoint.headers },
      body: typeof body === "string" ? body : undefined,
      tls: endpoint.tls,
      ipFamily: undefined,
    });
    const call = new HttpCall(target, span);
    this.call = call;
    const head = await call.send(signal, endpoint.dialer, false);
    this.sentMs = performance.now() - Number(call.facts.ttfb_ms);
    const { status, headers } = head;
    if (status < 200 || status > 599) throw new CheckFailure("protocol", `HTTP ${status} is no answer`);
    const text = await this.textOf(call, head);
    this.answer = { status, headers, text: isSuccess(status) ? "" : text };
    const type = headers["content-type"];
    return new Response(hasNoBody(status) ? null : text, {
      status,
      headers: type === undefined ? {} : { "content-type": type },
    });
  }

  private async textOf(call: HttpCall, head: HttpHead): Promise<string> {
    const coding = head.headers["content-encoding"] ?? "identity";
    if (!isSuccess(head.status)) return (await readError(call, head, coding)).toString();
    if (this.isStreamed) {
      if (coding === "identity") return "";
      throw new CheckFailure("protocol", "the stream is compressed, though it was asked for as it is");
    }
    const body = await call.body(head, maxBodyBytes, true);
    const plain = coding === "identity" || !body.isWhole ? body : await expanded(body, coding, maxBodyBytes);
    if (!plain.isWhole) throw new CheckFailure("protocol", `the answer exceeds ${maxBodyBytes} bytes`);
    return plain.bytes.toString();
  }
}

const isSuccess = (status: number): boolean => status >= 200 && status < 300;
/** Fetch standard, "null body status". */
const hasNoBody = (status: number): boolean => status === 204 || status === 205 || status === 304;

/** Of an error the status is what counts: what else is wrong with it is no matter. */
async function readError(call: HttpCall, head: HttpHead, coding: string): Promise<Buffer> {
  try {
    const body = await call.body(head, maxErrorBytes, true);
    return (coding === "identity" ? body : await expanded(body, coding, maxErrorBytes)).bytes;
  } catch {
    return Buffer.alloc(0);
  }
}

const loadDecoding = lateModule(() => import("./http-decoding.js"));

async function expanded(body: HttpBody, coding: string, maxBytes: number): Promise<HttpBody> {
  const { expandBody } = await loadDecoding();
  return expandBody(body, coding, maxBytes);
}
