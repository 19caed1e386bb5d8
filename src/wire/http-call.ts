import { type Cancellation, CheckFailure, type ClientSpan, type FactValue } from "../check.js";
import { attr } from "../semconv.js";
import { HttpAnswer } from "./http-answer.js";
import { bodyPieces, bodyReader, exchange, exchangeFailure, type HttpBody } from "./http-exchange.js";
import type { HttpHead } from "./http-head.js";
import type { HttpTarget } from "./http-target.js";
import { withFacts } from "./network-failure.js";
import { OpenSocket, roundMs } from "./open-socket.js";
import type { SecureDialer } from "./secure-socket.js";

/** One request on a connection of its own. Facts, attributes and phases are filled in as they become known. */
export class HttpCall {
  readonly facts: Record<string, FactValue> = {};
  private readonly answer: HttpAnswer;
  private opened: OpenSocket | undefined;

  constructor(
    private readonly target: HttpTarget,
    private readonly span: ClientSpan,
  ) {
    this.answer = new HttpAnswer(target.request.method);
  }

  /** Connects, sends the request and resolves with the head of the answer; `dialer` for https. */
  async send(cancellation: Cancellation, dialer: SecureDialer | undefined, isTraceSent: boolean): Promise<HttpHead> {
    const { target, span } = this;
    const opened = new OpenSocket(target.socket, cancellation, dialer?.dial, this.answer);
    this.opened = opened;
    await opened.connected();
    this.describeConnection(opened);
    if (dialer) await this.secure(opened, dialer);
    const traceparent = isTraceSent && !target.hasOwnTraceparent ? span.traceparent : undefined;
    const sentMs = performance.now();
    const head = await exchange(opened, this.answer, target, traceparent);
    this.describeAnswer(head, sentMs);
    return head;
  }

  /** At most `maxBytes` of the body; none of it is read for 0. */
  async body({ status }: HttpHead, maxBytes: number, isKept: boolean): Promise<HttpBody> {
    const hasBody = this.target.request.method !== "HEAD" && status !== 101;
    const { opened, answer } = this;
    if (!opened || maxBytes === 0 || !hasBody) return { byteCount: 0, isWhole: !hasBody, bytes: Buffer.alloc(0) };
    const body = await opened.stage<HttpBody>((resolve, reject) => {
      answer.read(bodyReader(maxBytes, isKept, resolve, reject));
    });
    this.facts.body_bytes = body.byteCount;
    return body;
  }

  /** The body as it comes, as fast as it is taken. */
  pieces(): AsyncGenerator<Buffer> {
    return bodyPieces(this.answer, this.opened?.socket);
  }

  /** What was thrown, or the signal's own reason, as a failure with the facts gathered until then. */
  failure(error: unknown, cancellation: Cancellation): unknown {
    const dnsMs = this.opened?.dnsMs;
    if (dnsMs !== undefined) this.facts.dns_ms = dnsMs;
    const failure = exchangeFailure(cancellation.aborted ? cancellation.reason : error);
    return failure instanceof CheckFailure ? withFacts(failure, this.facts) : failure;
  }

  close(): void {
    this.opened?.close();
  }

  private describeConnection(opened: OpenSocket): void {
    const { facts, span, target } = this;
    const { startMs, dnsEndMs, connectEndMs, dnsMs, connectMs } = opened;
    if (dnsMs !== undefined) facts.dns_ms = dnsMs;
    if (connectMs !== undefined) facts.connect_ms = connectMs;
    span.set({ [attr.networkPeerAddress]: opened.peerAddress, [attr.networkPeerPort]: target.socket.port });
    if (dnsEndMs !== undefined) span.phase("dns", startMs, dnsEndMs);
    if (connectEndMs !== undefined) span.phase("connect", dnsEndMs ?? startMs, connectEndMs);
  }

  private async secure(opened: OpenSocket, dialer: SecureDialer): Promise<void> {
    const { tlsEndMs, certificateDaysLeft, rejection } = await dialer.handshake(opened);
    const { connectEndMs = tlsEndMs } = opened;
    this.facts.tls_ms = roundMs(tlsEndMs - connectEndMs);
    if (certificateDaysLeft !== undefined) this.facts.certificate_days_left = certificateDaysLeft;
    this.span.phase("tls", connectEndMs, tlsEndMs);
    if (rejection) throw rejection;
  }

  private describeAnswer({ status, version }: HttpHead, sentMs: number): void {
    const { facts, span } = this;
    const headMs = performance.now();
    facts.ttfb_ms = roundMs(headMs - sentMs);
    facts.status_code = status;
    facts.http_version = version;
    span.set({ [attr.httpResponseStatusCode]: status, [attr.networkProtocolVersion]: version });
    span.phase("ttfb", sentMs, headMs);
  }
}
