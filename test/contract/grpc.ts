import { answerGrpc, answerHeaders, serving, startHttp2 } from "../servers/http2-peer.js";
import type { KindContract, PlantContext, PlantedSecret } from "./kind-contract.js";

async function start(token: string) {
  const peer = await startHttp2((stream, { authorization }) =>
    authorization === "Bearer right" ? answerGrpc(serving)(stream) : answerHeaders({ "grpc-status": "16" })(stream),
  );
  const options = { address: peer.address, headers: { authorization: `Bearer ${token}` } };
  return { options, remove: () => peer.close() };
}

export const contract: KindContract = {
  at: (port) => ({ address: `127.0.0.1:${port}` }),
  healthy: { needs: [], start: () => start("right") },
  wrongCredentials: { needs: [], start: () => start("wrong") },
  planted: ({ secret, port, certificates }: PlantContext): readonly PlantedSecret[] => {
    const address = `127.0.0.1:${port}`;
    const { cert, key } = certificates.client;
    return [
      { path: "headers.*", secret, options: { address, headers: { authorization: secret } } },
      { path: "tls.key", secret: key, options: { address, tls: { cert, key } } },
    ];
  },
};
