import { type FaultName, faults } from "../faults/faults.js";
import { none, type Row } from "../faults/row.js";
import { startTlsFronts } from "../faults/tls-fronts.js";
import { milvusRoot } from "../servers/milvus.js";
import { type MilvusStub, startMilvusStub } from "../servers/milvus-stub.js";

/** The row of Milvus with a server of its protocol in our process: faults of the server itself become those of the way. */
export function withStandIn(row: Row): Row {
  const noProcess = none("the stand-in is no process of its own");
  const cells = { ...row.cells };
  for (const fault of Object.keys(cells) as FaultName[]) if (faults[fault].at === "server") cells[fault] = noProcess;
  return {
    ...row,
    needs: [],
    cells,
    start: async ({ certificates, password }) => {
      const stub: MilvusStub = await startMilvusStub({ token: `${milvusRoot.username}:${password}` });
      const fronts = await startTlsFronts(stub.port, certificates);
      const never = () => Promise.reject(new Error("the stand-in is no process of its own"));
      return {
        port: stub.port,
        server: { stop: never, kill: never, start: never, freeze: never, thaw: never },
        options: ({ host, port, password: secret, tls }) => [
          {
            address: `${host}:${port}`,
            username: milvusRoot.username,
            password: secret,
            collections: "all",
            ...(tls && { tls }),
          },
        ],
        secure: fronts.secure,
        remove: async () => void (await Promise.all([stub.close(), fronts.close()])),
      };
    },
  };
}
