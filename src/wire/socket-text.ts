import type { OpenSocket } from "./open-socket.js";

/** Resolves when the kernel has the text; rejects with the socket's error. */
export function sendText(opened: OpenSocket, text: string): Promise<void> {
  const { socket } = opened;
  return opened.stage((resolve, reject) => {
    socket.once("error", reject);
    socket.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

/** How a peer's text compared with what was awaited: it came, the peer closed before it, or too much else came. */
export type TextAnswer = "found" | "closed" | "too long";

export interface HeardText {
  readonly answer: TextAnswer;
  readonly bytes: number;
}

/**
 * Reads until `text` has come, the peer closes, or `maxBytes` were read; rejects with the socket's error.
 * What was searched is not searched again, so a peer that drips costs no more than one that does not.
 */
export function hearText(opened: OpenSocket, text: string, maxBytes: number): Promise<HeardText> {
  const { socket } = opened;
  const awaited = Buffer.from(text);
  let tail = Buffer.alloc(0);
  let bytes = 0;
  return opened.stage((resolve, reject) => {
    const settle = (answer: TextAnswer) => {
      socket.pause();
      resolve({ answer, bytes });
    };
    socket.once("error", reject);
    socket.once("end", () => settle("closed"));
    socket.on("data", (chunk: Buffer) => {
      const room = maxBytes - bytes;
      bytes += Math.min(chunk.length, room);
      const heard = Buffer.concat([tail, chunk.subarray(0, room)]);
      if (heard.includes(awaited)) settle("found");
      else if (bytes >= maxBytes) settle("too long");
      else tail = heard.subarray(Math.max(0, heard.length - awaited.length + 1));
    });
  });
}
