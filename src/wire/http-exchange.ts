import type { Socket } from "node:net";
import { CheckFailure } from "../check.js";
import { GatheredBytes } from "./gathered-bytes.js";
import type { BodyReader, HttpAnswer } from "./http-answer.js";
import type { HttpHead } from "./http-head.js";
import type { HttpTarget } from "./http-target.js";
import { errorCode, networkFailure } from "./network-failure.js";
import type { OpenSocket } from "./open-socket.js";

/** Sends one request on a connected socket whose bytes `answer` hears, and resolves with the head of the answer. */
export function exchange(
  opened: OpenSocket,
  answer: HttpAnswer,
  target: HttpTarget,
  traceparent: string | undefined,
): Promise<HttpHead> {
  return opened.stage((resolve, reject) => {
    const { socket } = opened;
    const { requestHead, request } = target;
    const head = `${requestHead}${traceparent === undefined ? "" : `traceparent: ${traceparent}\r\n`}\r\n`;
    answer.awaitHead(resolve, reject);
    if (request.body === undefined) socket.write(head, "latin1");
    else socket.write(Buffer.concat([Buffer.from(head, "latin1"), Buffer.from(request.body)]));
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

/** Gathers at most `maxBytes`, keeping them only when asked to. */
export function bodyReader(
  maxBytes: number,
  isKept: boolean,
  resolve: (body: HttpBody) => void,
  fail: (error: unknown) => void,
): BodyReader {
  const kept = new GatheredBytes();
  let byteCount = 0;
  const finish = (isWhole: boolean) => resolve({ byteCount, isWhole, bytes: kept.bytes });
  return {
    fail,
    end: () => finish(true),
    piece: (chunk) => {
      const room = maxBytes - byteCount;
      const wanted = chunk.length > room ? chunk.subarray(0, room) : chunk;
      if (isKept) kept.add(wanted);
      byteCount += wanted.length;
      if (chunk.length > room) finish(false);
    },
  };
}

/** Of a body that is taken piece by piece, what may wait before the peer has to. Bytes. */
const maxWaitingBytes = 65_536;

/** The body as it comes; the peer is held back while what came before is not taken. */
export async function* bodyPieces(answer: HttpAnswer, socket: Socket | undefined): AsyncGenerator<Buffer> {
  const waiting: Buffer[] = [];
  let waitingBytes = 0;
  let hasEnded = false;
  let error: unknown;
  let wake = (): void => {};
  answer.read({
    piece: (bytes) => {
      waiting.push(Buffer.from(bytes));
      waitingBytes += bytes.length;
      if (waitingBytes > maxWaitingBytes) socket?.pause();
      wake();
    },
    end: () => {
      hasEnded = true;
      wake();
    },
    fail: (reason) => {
      error = reason;
      hasEnded = true;
      wake();
    },
  });
  for (;;) {
    const piece = waiting.shift();
    if (piece) {
      waitingBytes -= piece.length;
      if (waitingBytes === 0 && socket?.isPaused()) socket.resume();
      yield piece;
    } else if (error !== undefined) throw error;
    else if (hasEnded) return;
    else await new Promise<void>((resolve) => (wake = resolve));
  }
}

/** A failure for what the network threw; an error without a code is ours, and stays what it is. */
export function exchangeFailure(error: unknown): unknown {
  return error instanceof CheckFailure || errorCode(error) === undefined ? error : networkFailure(error);
}
