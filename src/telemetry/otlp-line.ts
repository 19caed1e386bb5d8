import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Answer } from "./delivery.js";
import { insideOf, type TransportResponse } from "./exporter-inside.js";
import { parseJsonAnswer, readAnswer } from "./otlp-answer.js";
import type { OtlpSettings } from "./settings.js";

/** Why a delivery failed that took longer than it may, or than the process lives. */
export const noAnswer = "no answer in time";

/** The connections of one signal's exporter, which can be cut at once. */
export class OtlpLine {
  readonly agent: HttpAgent;
  private readonly isJson: boolean;
  private readonly waits = new Set<() => void>();
  private hasBeenCut = false;
  private endings = 0;

  constructor({ endpoint, protocol, tls }: OtlpSettings) {
    const options = { keepAlive: true };
    this.agent = /^https:/i.test(endpoint) ? new HttpsAgent({ ...options, ...tls }) : new HttpAgent(options);
    this.isJson = protocol === "http/json";
  }

  /** True once cut: nothing more is sent. */
  get isCut(): boolean {
    return this.hasBeenCut;
  }

  /** Ends every request and every wait for a retry; what was under way fails. */
  cut(): void {
    this.hasBeenCut = true;
    for (const giveUp of this.waits) giveUp();
    this.endRequests();
  }

  /** Puts an exporter under this line: its waits, how long it may take, and what it is answered. */
  hold(exporter: object, onAnswer: (answer: Answer) => void): void {
    const inside = insideOf(exporter);
    if (inside === undefined) return;
    const { transport } = inside;
    const { _transport: once } = transport;
    const sendOnce = once.send.bind(once);
    const send = transport.send.bind(transport);
    const deserialize = this.isJson ? parseJsonAnswer : inside.deserialize;
    let last = unanswered;
    once.send = async (data, timeoutMs) => {
      last = await this.unlessEnded(sendOnce(data, timeoutMs));
      return last;
    };
    transport.retry = (data, timeoutMs, inMs) =>
      this.afterWait(
        inMs,
        () => once.send(data, timeoutMs),
        () => last,
      );
    transport.send = async (data, timeoutMs) => {
      const response = await this.withinTime(send(data, timeoutMs), timeoutMs);
      if (response.status !== "success") return response;
      onAnswer(readAnswer(response.data, deserialize));
      return { status: "success" };
    };
  }

  /** What we ended ourselves looks like a reset by the receiver. */
  private async unlessEnded(sending: Promise<TransportResponse>): Promise<TransportResponse> {
    const before = this.endings;
    const response = await sending;
    return response.status !== "success" && this.endings > before ? unanswered : response;
  }

  /** The SDK's timer holds the process for up to 5 s or a `Retry-After`; this one does not. */
  private afterWait(
    waitMs: number,
    send: () => Promise<TransportResponse>,
    last: () => TransportResponse,
  ): Promise<TransportResponse> {
    if (this.hasBeenCut) return Promise.resolve(last());
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        clearTimeout(timer);
        this.waits.delete(giveUp);
        resolve(last());
      };
      const timer = setTimeout(() => {
        this.waits.delete(giveUp);
        send().then(resolve, reject);
      }, waitMs);
      timer.unref();
      this.waits.add(giveUp);
    });
  }

  /** The SDK's timeout is one of silence: an answer of which a byte comes now and then would be awaited for ever. */
  private async withinTime(sending: Promise<TransportResponse>, timeoutMs: number): Promise<TransportResponse> {
    // Not one request alone can be ended from here; others on this line are sent again.
    const timer = setTimeout(() => this.endRequests(), timeoutMs);
    timer.unref();
    try {
      return await sending;
    } finally {
      clearTimeout(timer);
    }
  }

  private endRequests(): void {
    this.endings += 1;
    this.agent.destroy();
  }
}

const unanswered: TransportResponse = { status: "retryable", error: new Error(noAnswer) };
