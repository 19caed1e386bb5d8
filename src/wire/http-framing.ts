import { fieldName, type HttpHead, hasControls, maxHeadBytes, noHttpAnswer } from "./http-head.js";

/** Called with each piece of the body, valid until it returns. */
export type TakePiece = (piece: Buffer) => void;

/** Where a body ends. */
export interface Framing {
  /** Takes what came over the wire; true once the body is complete. Throws a `CheckFailure` for what cannot be read. */
  feed(bytes: Buffer, take: TakePiece): boolean;
  /** Whether the body is complete when the peer closes now. */
  readonly endsByClose: boolean;
}

/** RFC 9112, section 6.3. Throws a `CheckFailure` where an answer says two things about its length. */
export function framingOf({ status, headers }: HttpHead, method: string): Framing {
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return new Counted(0);
  const { "transfer-encoding": coding, "content-length": length } = headers;
  if (coding !== undefined) {
    if (length !== undefined) throw noHttpAnswer("both a length and chunks");
    return /(^|,)[\t ]*chunked$/i.test(coding) ? new Chunked() : untilClose;
  }
  if (length === undefined) return untilClose;
  if (!/^0*\d{1,15}$/.test(length)) throw noHttpAnswer("a length that is none");
  return new Counted(Number(length));
}

const untilClose: Framing = {
  endsByClose: true,
  feed: (bytes, take) => {
    if (bytes.length > 0) take(bytes);
    return false;
  },
};

class Counted implements Framing {
  readonly endsByClose = false;

  constructor(private left: number) {}

  feed(bytes: Buffer, take: TakePiece): boolean {
    const piece = bytes.length > this.left ? bytes.subarray(0, this.left) : bytes;
    this.left -= piece.length;
    if (piece.length > 0) take(piece);
    return this.left === 0;
  }
}

const lineFeed = 10;

/**
 * RFC 9112, section 7.1. Extensions and trailers are read over; neither may be longer than a head. A line without its
 * carriage return is none here: a chunk that is a byte short of its size would pass for a whole one.
 */
class Chunked implements Framing {
  readonly endsByClose = false;
  private left = 0;
  private awaits: "size" | "end of chunk" | "trailer" | "nothing" = "size";
  private line = "";
  private trailerBytes = 0;

  feed(bytes: Buffer, take: TakePiece): boolean {
    let at = 0;
    while (at < bytes.length && this.awaits !== "nothing") {
      if (this.left === 0) {
        at = this.readLine(bytes, at);
        continue;
      }
      const piece = bytes.subarray(at, at + this.left);
      this.left -= piece.length;
      at += piece.length;
      take(piece);
    }
    return this.awaits === "nothing";
  }

  private readLine(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(lineFeed, at);
    const stop = end < 0 ? bytes.length : end;
    if (this.line.length + stop - at > maxHeadBytes) throw noHttpAnswer("a line of its chunks never ends");
    this.line += bytes.toString("latin1", at, stop);
    // What must be empty and is not needs no line end to be wrong.
    if (this.awaits === "end of chunk" && this.line !== "" && this.line !== "\r") throw noHttpAnswer("broken chunks");
    if (end < 0) return stop;
    const { line } = this;
    this.line = "";
    if (!line.endsWith("\r") || hasControls(line)) throw noHttpAnswer("broken chunks");
    this.take(line.slice(0, -1));
    return end + 1;
  }

  private take(line: string): void {
    if (this.awaits === "size") {
      const size = /^0*([\da-f]{1,13})[\t ]*(;|$)/i.exec(line)?.[1];
      if (size === undefined) throw noHttpAnswer("a chunk without a size");
      this.left = Number.parseInt(size, 16);
      this.awaits = this.left === 0 ? "trailer" : "end of chunk";
    } else if (this.awaits === "end of chunk") this.awaits = "size";
    else {
      this.trailerBytes += line.length;
      if (this.trailerBytes > maxHeadBytes) throw noHttpAnswer("its trailer never ends");
      if (line === "") this.awaits = "nothing";
      else fieldName(line);
    }
  }
}
