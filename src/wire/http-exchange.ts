import { request as createRequest, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { CheckFailure } from "../check.js";
import type { HttpTarget } from "./http-target.js";
import { errorCode, networkFailure } from "./network-failure.js";

/** A head larger than this is no head that a service means; endless ones end here. Bytes. */
const maxHeadBytes = 16_384;

/**
 * Sends one request on a connected socket and resolves with the head of the answer. The socket is the caller's: it is
 * used for nothing else and destroyed by them. Never through an Agent, which would keep or share connections.
 */
export function exchange(
  socket: Socket,
  target: HttpTarget,
  traceparent: string | undefined,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { headerList, request } = target;
    const outgoing = createRequest({
      createConnection: () => socket,
      method: request.method,
      path: target.path,
      headers: traceparent === undefined ? headerList : [...headerList, "traceparent", traceparent],
      maxHeaderSize: maxHeadBytes,
    });
    outgoing.on("response", resolve);
    // 101: the head is the answer, what follows it is another protocol.
    outgoing.on("upgrade", resolve);
    outgoing.on("error", reject);
    outgoing.end(request.body);
  });
}

export interface HttpBody {
  /** As it came over the wire, compressed or not. */
  readonly byteCount: number;
  /** False when there was more than was read. */
  readonly isWhole: boolean;
  /** Empty unless it was to be kept. */
  readonly bytes: Buffer;
}

/** Reads at most `maxBytes`, keeping them only when asked to; rejects when the stream breaks off. */
export function readBody(stream: Readable, maxBytes: number, isKept: boolean): Promise<HttpBody> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let byteCount = 0;
    const finish = (isWhole: boolean) => resolve({ byteCount, isWhole, bytes: Buffer.concat(chunks) });
    stream.on("error", reject);
    stream.on("end", () => finish(true));
    stream.on("data", (chunk: Buffer) => {
      const room = maxBytes - byteCount;
      byteCount += Math.min(chunk.length, room);
      if (isKept) chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
      if (chunk.length <= room) return;
      stream.pause();
      finish(false);
    });
  });
}

/** A failure for what the network or the parser threw; an error without a code is ours, and stays what it is. */
export function exchangeFailure(error: unknown): unknown {
  const code = errorCode(error);
  if (code === undefined) return error;
  if (!code.startsWith("HPE_")) return networkFailure(error);
  const message = code === "HPE_HEADER_OVERFLOW" ? `headers exceed ${maxHeadBytes} bytes` : `no HTTP answer (${code})`;
  return new CheckFailure("protocol", message, { cause: error, detail: error instanceof Error ? error.message : code });
}
