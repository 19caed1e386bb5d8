import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:tls";
import { createCertificates } from "../servers/certificates.js";
import type { KindContract } from "./kind-contract.js";
import { listen } from "./peers.js";

export const contract: KindContract = {
  at: (port) => ({ address: `127.0.0.1:${port}` }),
  healthy: {
    needs: ["openssl"],
    start: async () => {
      const dir = await mkdtemp(join(tmpdir(), "healthspan-tls-"));
      const { server, ca } = await createCertificates(dir);
      const peer = await listen(createServer({ cert: server.cert, key: server.key }, (socket) => socket.resume()));
      return {
        options: { address: `127.0.0.1:${peer.port}`, tls: { ca: ca.cert } },
        remove: async () => {
          await peer.close();
          await rm(dir, { recursive: true, force: true });
        },
      };
    },
  },
  wrongCredentials: { notApplicable: "a client certificate that is refused ends the handshake: `tls`" },
  planted: ({ port, certificates }) => {
    const { cert, key } = certificates.client;
    return [{ path: "tls.key", secret: key, options: { address: `127.0.0.1:${port}`, tls: { cert, key } } }];
  },
};
