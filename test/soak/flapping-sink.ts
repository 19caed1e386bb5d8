import { freePort } from "../../scripts/stack/free-port.js";
import { type OtlpSink, type SinkMode, startOtlpSink } from "../servers/otlp-sink.js";
import { pause } from "./ending.js";

/** In a turn of 20 s: long enough for the queues to fill and to be emptied again. */
const turn: readonly { readonly mode: SinkMode | "gone"; readonly seconds: number }[] = [
  { mode: "accept", seconds: 6 },
  { mode: { status: 503, headers: { "retry-after": "1" } }, seconds: 3 },
  { mode: "hang", seconds: 4 },
  { mode: "trickle", seconds: 3 },
  { mode: "gone", seconds: 4 },
];

/** A Collector that is there, refuses, hangs, never ends an answer, or is gone, over and over. */
export class FlappingSink {
  received = 0;
  #sink: OtlpSink | undefined;

  private constructor(readonly port: number) {}

  static async start(): Promise<FlappingSink> {
    const flapping = new FlappingSink(await freePort());
    await flapping.appear();
    return flapping;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Until it is interrupted. */
  async flap(): Promise<never> {
    for (;;) {
      for (const { mode, seconds } of turn) {
        if (mode === "gone") await this.close();
        else (await this.appear()).answer(mode);
        await pause(seconds * 1_000);
        this.received += this.#sink?.requests.length ?? 0;
        this.#sink?.clear();
      }
    }
  }

  async close(): Promise<void> {
    await this.#sink?.close();
    this.#sink = undefined;
  }

  private async appear(): Promise<OtlpSink> {
    this.#sink ??= await startOtlpSink({ port: this.port });
    return this.#sink;
  }
}
