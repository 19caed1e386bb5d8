import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { takeOrders } from "./target.js";

const server = createServer((socket) => {
  socket.on("error", () => {});
  socket.end("220 demo queue\r\n");
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  takeOrders(port, async (order) => {
    if (order === "open") await once(server.listen(port, "127.0.0.1"), "listening");
    else await new Promise((resolve) => server.close(resolve));
  });
});
