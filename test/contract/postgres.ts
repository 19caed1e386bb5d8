import { PostgresServer } from "../servers/postgres.js";
import type { KindContract, PlantContext, PlantedSecret } from "./kind-contract.js";

const needs = ["postgresql"] as const;

export const contract: KindContract = {
  at: (port) => ({ host: "127.0.0.1", port, user: "probe", password: "any", database: "postgres" }),
  healthy: {
    needs,
    start: async () => {
      const server = await PostgresServer.start({ build: "postgresql" });
      return { options: { url: server.url() }, remove: () => server.remove() };
    },
  },
  wrongCredentials: {
    needs,
    start: async () => {
      const server = await PostgresServer.start({ build: "postgresql" });
      return { options: { url: server.url({ password: "wrong" }) }, remove: () => server.remove() };
    },
  },
  planted: ({ secret, port, certificates }: PlantContext): readonly PlantedSecret[] => {
    const place = { host: "127.0.0.1", port, user: "probe", database: "postgres" };
    const { cert, key } = certificates.client;
    return [
      { path: "url", secret, options: { url: `postgres://probe:${encodeURIComponent(secret)}@127.0.0.1:${port}/db` } },
      { path: "password", secret, options: { ...place, password: secret } },
      { path: "tls.key", secret: key, options: { ...place, password: "any", tls: { cert, key } } },
    ];
  },
};
