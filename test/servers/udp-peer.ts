import { createSocket } from "node:dgram";
import { once } from "node:events";

export interface UdpPeer {
  readonly address: string;
  close(): Promise<void>;
}

/** Answers every datagram with what `reply` makes of it. */
export async function startUdpPeer(reply: (question: Buffer) => Buffer): Promise<UdpPeer> {
  const socket = createSocket("udp4");
  socket.on("message", (question, { port, address }) => socket.send(reply(question), port, address));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    address: `127.0.0.1:${socket.address().port}`,
    close: async () => {
      socket.close();
      await once(socket, "close");
    },
  };
}

/** A DNS answer to the question with this response code and no records (RFC 1035, section 4.1.1). */
export const responseCode =
  (code: number) =>
  (question: Buffer): Buffer => {
    const answer = Buffer.from(question);
    answer.writeUInt8(answer.readUInt8(2) | 0x80, 2);
    answer.writeUInt8(code, 3);
    return answer;
  };
