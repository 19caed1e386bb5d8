import { contentTypes, negotiate } from "./exposition-format.js";

/** A rendered exposition, in pieces small enough that nothing else waits for them. */
export interface Exposition {
  readonly contentType: string;
  readonly pieces: AsyncIterable<string | Uint8Array>;
}

/** Where `/metrics` comes from; rejects when collection fails. The server's port of the same shape. */
export interface MetricsText {
  render(accept: string | undefined): Promise<Exposition>;
}

/** Without an SDK there is nothing to show: valid, and empty. */
export const noMetricsText: MetricsText = {
  async render(accept) {
    const format = negotiate(accept);
    const text = format === "openmetrics" ? "# EOF\n" : "";
    return { contentType: contentTypes[format], pieces: singlePiece(text) };
  },
};

async function* singlePiece(text: string): AsyncGenerator<string> {
  yield text;
}
