import type { Duplex } from "node:stream";
import { CheckFailure } from "../check.js";

/** What a server may send before anything else: authentication, error, notice, protocol negotiation. */
const firstTypes = new Set(["R", "E", "N", "v"].map((type) => type.charCodeAt(0)));
const errorResponse = "E".charCodeAt(0);
const noticeResponse = "N".charCodeAt(0);

const headerBytes = 5;
/** One message: a row is the longest that a check's query should bring. */
const maxMessageBytes = 1_048_576;
/** All messages of one session. */
const maxSessionBytes = 16 * maxMessageBytes;

const noPostgres = () => new CheckFailure("protocol", "answer is no PostgreSQL");
const tooMuch = () => new CheckFailure("unexpected", "query answers with too much; let it return a few short rows");

/**
 * Puts itself between a stream and the parser that listens on it, which trusts its peer: given an ErrorResponse without
 * an end it never returns, and what it throws out of a `data` event ends the process. The parser now gets whole
 * messages that are well formed as far as it relies on it; anything else destroys the stream with a `CheckFailure`.
 */
export function guardParser(stream: Duplex): void {
  const parsers = stream.listeners("data");
  stream.removeAllListeners("data");
  const frames = new Frames();
  stream.on("data", (chunk: Buffer) => {
    if (stream.destroyed) return;
    try {
      const whole = frames.take(chunk);
      if (whole.length > 0) for (const parse of parsers) parse.call(stream, whole);
    } catch (error) {
      stream.destroy(error instanceof CheckFailure ? error : asFailure(error));
    }
  });
}

function asFailure(error: unknown): CheckFailure {
  const detail = error instanceof Error ? error.message : String(error);
  if (/Unknown authentication/.test(detail)) {
    return new CheckFailure("auth", "sign-in method not supported", { cause: error, detail });
  }
  return new CheckFailure("protocol", "answer is no PostgreSQL", { cause: error, detail });
}

class Frames {
  private pending: Buffer = Buffer.alloc(0);
  private receivedBytes = 0;
  private hasFirst = false;

  /** The whole messages that have arrived by now; throws when what arrived cannot be one. */
  take(chunk: Buffer): Buffer {
    this.receivedBytes += chunk.length;
    if (this.receivedBytes > maxSessionBytes) throw tooMuch();
    const buffer = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    this.checkFirst(buffer);
    let end = 0;
    while (buffer.length - end >= headerBytes) {
      const length = 1 + buffer.readUInt32BE(end + 1);
      if (length < headerBytes) throw noPostgres();
      if (length > maxMessageBytes) throw tooMuch();
      if (end + length > buffer.length) break;
      checkFields(buffer.subarray(end, end + length));
      end += length;
    }
    this.pending = buffer.subarray(end);
    return buffer.subarray(0, end);
  }

  /** Judged by its first byte and length, so that a peer that greets in another protocol is known at once. */
  private checkFirst(buffer: Buffer): void {
    if (this.hasFirst || buffer.length === 0) return;
    if (!firstTypes.has(buffer[0] ?? 0)) throw noPostgres();
    if (buffer.length < headerBytes) return;
    if (buffer.readUInt32BE(1) > maxMessageBytes) throw noPostgres();
    this.hasFirst = true;
  }
}

/** Errors and notices are fields, each a type and a text that a zero ends, and a zero after the last one. */
function checkFields(message: Buffer): void {
  const type = message[0];
  if (type !== errorResponse && type !== noticeResponse) return;
  let offset = headerBytes;
  while (message[offset] !== 0) {
    const end = message.indexOf(0, offset + 1);
    if (end === -1 || end + 1 >= message.length) throw noPostgres();
    offset = end + 1;
  }
}
