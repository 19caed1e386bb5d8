import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { OtlpSettings } from "./settings.js";

/** The connections of one signal's exporter, which can be cut at once. */
export interface OtlpLine {
  readonly agent: HttpAgent;
  /** True once cut: nothing more is sent. */
  readonly isCut: boolean;
  /** Ends every request and every wait for a retry; what was under way fails. */
  cut(): void;
  /** Puts an exporter's waits for a retry under this line. */
  hold(exporter: object): void;
}

export function createOtlpLine({ endpoint, tls }: OtlpSettings): OtlpLine {
  const agent = endpoint.startsWith("https:")
    ? new HttpsAgent({ keepAlive: true, ...tls })
    : new HttpAgent({ keepAlive: true });
  const waits = new Set<() => void>();
  let isCut = false;
  return {
    agent,
    get isCut() {
      return isCut;
    },
    cut() {
      isCut = true;
      for (const giveUp of waits) giveUp();
      agent.destroy();
    },
    hold(exporter) {
      const transport = retryingTransportOf(exporter);
      if (transport === undefined) return;
      transport.retry = (data, timeoutMs, inMs) => {
        if (isCut) return Promise.resolve(failedByCut);
        return new Promise((resolve, reject) => {
          const giveUp = (): void => {
            clearTimeout(timer);
            waits.delete(giveUp);
            resolve(failedByCut);
          };
          const timer = setTimeout(() => {
            waits.delete(giveUp);
            transport._transport.send(data, timeoutMs).then(resolve, reject);
          }, inMs);
          timer.unref();
          waits.add(giveUp);
        });
      };
    },
  };
}

const failedByCut = { status: "failure", error: new Error("telemetry was shut down") } as const;

type Response = { readonly status: string };
interface RetryingTransport {
  readonly _transport: { send(data: Uint8Array, timeoutMs: number): Promise<Response> };
  retry(data: Uint8Array, timeoutMs: number, inMs: number): Promise<Response>;
}

/**
 * The exporters (0.223) wait for a retry, up to 5 s or a Retry-After, on a timer that holds the process and that nothing
 * public reaches. Where their inside looks different, that timer stays theirs; the test of a process that ends tells.
 */
function retryingTransportOf(exporter: object): RetryingTransport | undefined {
  const { _delegate: delegate } = exporter as { _delegate?: { _transport?: Partial<RetryingTransport> } };
  const transport = delegate?._transport;
  const isKnown = typeof transport?.retry === "function" && typeof transport._transport?.send === "function";
  return isKnown ? (transport as RetryingTransport) : undefined;
}
