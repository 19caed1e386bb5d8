import { createServer } from "node:http";
import type { KindContract, PlantContext, PlantedSecret } from "./kind-contract.js";
import { listen } from "./peers.js";

const right = `Basic ${Buffer.from("probe:right").toString("base64")}`;

async function startSite() {
  return listen(
    createServer((request, response) => {
      response.statusCode = request.headers.authorization === right ? 200 : 401;
      response.end("hello");
    }),
  );
}

export const contract: KindContract = {
  at: (port) => ({ url: `http://127.0.0.1:${port}/` }),
  healthy: {
    needs: [],
    start: async () => {
      const site = await startSite();
      return { options: { url: `http://probe:right@127.0.0.1:${site.port}/` }, remove: () => site.close() };
    },
  },
  wrongCredentials: {
    needs: [],
    start: async () => {
      const site = await startSite();
      return { options: { url: `http://probe:wrong@127.0.0.1:${site.port}/` }, remove: () => site.close() };
    },
  },
  planted: ({ secret, port, certificates }: PlantContext): readonly PlantedSecret[] => {
    const encoded = encodeURIComponent(secret);
    const url = `http://127.0.0.1:${port}/`;
    const { cert, key } = certificates.client;
    return [
      { path: "url", secret, options: { url: `http://probe:${encoded}@127.0.0.1:${port}/` } },
      { path: "url", secret, options: { url: `${url}?token=${encoded}` } },
      { path: "headers.*", secret, options: { url, headers: { "x-api-key": secret } } },
      { path: "tls.key", secret: key, options: { url: `https://127.0.0.1:${port}/`, tls: { cert, key } } },
    ];
  },
};
