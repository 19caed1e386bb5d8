import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Answer } from "./delivery.js";
import { insideOf, type RetryingTransport, type TransportResponse } from "./exporter-inside.js";
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
    this.agent.destroy();
  }

  /** Puts an exporter under this line: its waits, how long it may take, and what it is answered. */
  hold(exporter: object, onAnswer: (answer: Answer) => void): void {
    const inside = insideOf(exporter);
    if (inside === undefined) return;
    const { transport } = inside;
    const send = transport.send.bind(transport);
    const deserialize = this.isJson ? parseJsonAnswer : inside.deserialize;
    transport.retry = (data, timeoutMs, inMs) => this.retry(transport, data, timeoutMs, inMs);
    transport.send = async (data, timeoutMs) => {
      const response = await this.withinTime(send(data, timeoutMs), timeoutMs);
      if (response.status !== "success") return response;
      onAnswer(readAnswer(response.data, deserialize));
      return { status: "success" };
    };
  }

  /** The SDK's timer holds the process for up to 5 s or a `Retry-After`; this one does not. */
  private retry(
    transport: RetryingTransport,
    data: Uint8Array,
    timeoutMs: number,
    inMs: number,
  ): Promise<TransportResponse> {
    if (this.hasBeenCut) return Promise.resolve(unanswered);
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        clearTimeout(timer);
        this.waits.delete(giveUp);
        resolve(unanswered);
      };
      const timer = setTimeout(() => {
        this.waits.delete(giveUp);
        transport._transport.send(data, timeoutMs).then(resolve, reject);
      }, inMs);
      timer.unref();
      this.waits.add(giveUp);
    });
  }

  /** The SDK's timeout is one of silence: an answer of which a byte comes now and then would be awaited for ever. */
  private async withinTime(sending: Promise<TransportResponse>, timeoutMs: number): Promise<TransportResponse> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      // Not one request alone can be ended from here; others on this line are sent again.
      this.agent.destroy();
    }, timeoutMs);
    timer.unref();
    try {
      const response = await sending;
      // What we ended ourselves looks like a reset by the receiver.
      return response.status !== "success" && (isLate || this.hasBeenCut) ? unanswered : response;
    } finally {
      clearTimeout(timer);
    }
  }
}

const unanswered: TransportResponse = { status: "failure", error: new Error(noAnswer) };
