import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { takeOrders } from "./target.js";

const slowMs = 400;
let mode = "well";

const server = createServer(async (_request, response) => {
  if (mode === "slow") await sleep(slowMs);
  response.writeHead(mode === "unavailable" ? 503 : 200, { "content-type": "application/json" });
  response.end(mode === "unavailable" ? '{"error":"out of order"}' : '{"status":"ok"}');
});
server.listen(0, "127.0.0.1", () => {
  takeOrders((server.address() as AddressInfo).port, (order) => {
    mode = order;
  });
});
