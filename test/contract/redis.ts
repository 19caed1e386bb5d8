import { startRedis } from "../servers/redis.js";
import type { KindContract, PlantContext, PlantedSecret } from "./kind-contract.js";

const needs = ["redis-server", "redis-cli"] as const;

export const contract: KindContract = {
  at: (port) => ({ host: "127.0.0.1", port }),
  healthy: {
    needs,
    start: async () => {
      const server = await startRedis({ password: "right", args: ["--maxmemory", "100mb"] });
      return { options: { url: server.url }, remove: () => server.remove() };
    },
  },
  wrongCredentials: {
    needs,
    start: async () => {
      const server = await startRedis({ password: "right" });
      const options = { host: server.host, port: server.port, password: "wrong" };
      return { options, remove: () => server.remove() };
    },
  },
  planted: ({ secret, port, certificates }: PlantContext): readonly PlantedSecret[] => {
    const node = `127.0.0.1:${port}`;
    const place = { host: "127.0.0.1", port };
    const { cert, key } = certificates.client;
    return [
      { path: "url", secret, options: { url: `redis://:${encodeURIComponent(secret)}@${node}/1` } },
      { path: "password", secret, options: { ...place, username: "probe", password: secret } },
      { path: "password", secret, options: { cluster: { nodes: [node] }, password: secret } },
      { path: "sentinel.password", secret, options: { sentinel: { name: "main", nodes: [node], password: secret } } },
      { path: "tls.key", secret: key, options: { ...place, tls: { cert, key } } },
    ];
  },
};
