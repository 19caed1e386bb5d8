import { createServer } from "node:net";
import type { KindContract } from "./kind-contract.js";
import { listen } from "./peers.js";

export const contract: KindContract = {
  at: (port) => ({ address: `127.0.0.1:${port}`, expect: "hello" }),
  healthy: {
    needs: [],
    start: async () => {
      const peer = await listen(createServer((socket) => socket.end("hello\n")));
      return { options: { address: `127.0.0.1:${peer.port}`, expect: "hello" }, remove: () => peer.close() };
    },
  },
  wrongCredentials: { notApplicable: "it signs in nowhere" },
  planted: () => [],
};
