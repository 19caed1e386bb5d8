import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

export type UdpFault = "refused" | "silent" | "garbage";

/** A relay in front of a UDP port of 127.0.0.1. */
export interface UdpProxy {
  readonly port: number;
  /** Closes its port, hands nothing on, or answers with bytes of no protocol. */
  begin(fault: UdpFault): Promise<void>;
  end(): Promise<void>;
  close(): Promise<void>;
}

const noise = Buffer.from([0, 255, 1, 254, 13, 10, 127, 128, 10, 10]);
const answeredWithinMs = 2_000;

export async function startUdpProxy(targetPort: number): Promise<UdpProxy> {
  let fault: UdpFault | undefined;
  let socket = await open(0);
  const { port } = socket.address();

  async function open(wanted: number): Promise<Socket> {
    const opened = createSocket("udp4");
    opened.on("message", (question, from) => {
      if (fault === "garbage") opened.send(noise, from.port, from.address);
      if (fault !== undefined) return;
      const asked = createSocket("udp4");
      asked.on("error", () => undefined);
      asked.once("message", (answer) => {
        // The answer may come when the port has been closed.
        if (opened === socket && fault === undefined) opened.send(answer, from.port, from.address);
        asked.close();
      });
      asked.send(question, targetPort, "127.0.0.1");
      delay(answeredWithinMs, undefined, { ref: false })
        .then(() => asked.close())
        .catch(() => undefined);
    });
    opened.bind(wanted, "127.0.0.1");
    await once(opened, "listening");
    return opened;
  }
  const shut = async () => {
    const closed = once(socket, "close");
    socket.close();
    await closed;
  };

  return {
    port,
    begin: async (wanted) => {
      fault = wanted;
      if (wanted === "refused") await shut();
    },
    end: async () => {
      if (fault === "refused") socket = await open(port);
      fault = undefined;
    },
    close: () => {
      fault = "silent";
      return shut();
    },
  };
}
