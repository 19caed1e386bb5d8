import { CheckFailure } from "../check.js";
import { type Framing, framingOf } from "./http-framing.js";
import { checkBeginning, type HttpHead, maxHeadBytes, parseHead } from "./http-head.js";
import type { ByteListener } from "./open-socket.js";

/** `100 Continue`, `103 Early Hints`: a server means a few, and each may be as large as a head. */
const maxInterimHeads = 32;

/** Who reads a body. Each of `end` and `fail` is the last call. */
export interface BodyReader {
  /** Valid until it returns. */
  piece(bytes: Buffer): void;
  end(): void;
  fail(error: unknown): void;
}

/**
 * Reads one answer from the bytes of a connection: head, then body. Our own, because `node:http` costs a run a quarter of
 * its CPU (ADR 24). Bytes belong to the socket and are copied where they are kept.
 */
export class HttpAnswer implements ByteListener {
  private head: HttpHead | undefined;
  private onHead: { resolve: (head: HttpHead) => void; reject: (error: unknown) => void } | undefined;
  /** What came of a head that is not there as a whole. */
  private begun: Buffer | undefined;
  private interimHeads = 0;
  private framing: Framing | undefined;
  private reader: BodyReader | undefined;
  /** Of the body, from before somebody read it. */
  private waiting: Buffer[] = [];
  private isComplete = false;
  private error: unknown;
  private readonly take = (piece: Buffer): void => {
    if (this.reader) this.reader.piece(piece);
    else this.waiting.push(Buffer.from(piece));
  };

  constructor(private readonly method: string) {}

  /** Calls back once, at once where it is there already. */
  awaitHead(resolve: (head: HttpHead) => void, reject: (error: unknown) => void): void {
    if (this.head) resolve(this.head);
    else if (this.error !== undefined) reject(this.error);
    else this.onHead = { resolve, reject };
  }

  /** After the head; once. */
  read(reader: BodyReader): void {
    this.reader = reader;
    for (const piece of this.waiting.splice(0)) reader.piece(piece);
    if (this.isComplete) reader.end();
    else if (this.error !== undefined) reader.fail(this.error);
  }

  bytes(bytes: Buffer): void {
    if (this.isComplete || this.error !== undefined) return;
    try {
      const rest = this.framing ? bytes : this.headBytes(bytes);
      if (this.framing?.feed(rest, this.take)) this.complete();
    } catch (error) {
      this.failed(error);
    }
  }

  closed(): void {
    if (this.framing?.endsByClose) this.complete();
    else this.failed(closedTooSoon());
  }

  /** What comes after a complete answer is no matter of it. */
  failed(error: unknown): void {
    if (this.isComplete || this.error !== undefined) return;
    this.error = error;
    this.onHead?.reject(error);
    this.reader?.fail(error);
  }

  private complete(): void {
    if (this.isComplete) return;
    this.isComplete = true;
    this.reader?.end();
  }

  /** What follows the head; nothing while that is not complete. */
  private headBytes(bytes: Buffer): Buffer {
    let rest = this.begun ? Buffer.concat([this.begun, bytes]) : bytes;
    let searched = this.begun?.length ?? 0;
    this.begun = undefined;
    for (;;) {
      const end = endOfHead(rest, searched);
      if (Math.max(end, end < 0 ? rest.length : 0) > maxHeadBytes) {
        throw new CheckFailure("protocol", `headers exceed ${maxHeadBytes} bytes`);
      }
      if (end < 0) {
        checkBeginning(rest, searched);
        this.begun = Buffer.from(rest);
        return nothing;
      }
      const head = parseHead(rest.toString("latin1", 0, end));
      rest = rest.subarray(end);
      searched = 0;
      if (head.status >= 200 || head.status === 101) {
        this.begin(head);
        return rest;
      }
      this.interimHeads++;
      if (this.interimHeads > maxInterimHeads) {
        throw new CheckFailure("protocol", `more than ${maxInterimHeads} interim heads (1xx) instead of an answer`);
      }
    }
  }

  private begin(head: HttpHead): void {
    this.framing = framingOf(head, this.method);
    this.head = head;
    this.onHead?.resolve(head);
  }
}

const nothing = Buffer.alloc(0);
const lineFeed = 10;
const carriageReturn = 13;

/** Behind the first empty line; -1 when there is none. The last three bytes of what was searched count once more. */
function endOfHead(bytes: Buffer, searched: number): number {
  let at = bytes.indexOf(lineFeed, Math.max(0, searched - 3));
  for (; at >= 0; at = bytes.indexOf(lineFeed, at + 1)) {
    if (bytes[at + 1] === lineFeed) return at + 2;
    if (bytes[at + 1] === carriageReturn && bytes[at + 2] === lineFeed) return at + 3;
  }
  return -1;
}

/** As Node's client has it, so that it means and reads the same as a reset. */
function closedTooSoon(): Error {
  return Object.assign(new Error("the peer closed before the answer was complete"), { code: "ECONNRESET" });
}
