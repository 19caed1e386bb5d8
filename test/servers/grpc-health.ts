import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { serverPath } from "./available.js";
import { freePort } from "./free-port.js";

export interface GrpcHealthOptions {
  /** Files of the server's certificate and key: it then speaks TLS. */
  readonly cert?: string;
  readonly key?: string;
  /** File of the authority whose client certificates it asks for. */
  readonly ca?: string;
  /** The `authorization` that it asks for. */
  readonly token?: string;
  /** Without the health service. */
  readonly bare?: boolean;
}

export interface GrpcHealthServer {
  readonly port: number;
  readonly address: string;
  /** Metadata of each call so far. */
  readonly calls: readonly Readonly<Record<string, string>>[];
  /** Turns service `orders` to NOT_SERVING, and back. */
  closeOrders(): void;
  openOrders(): void;
  /** SIGSTOP: connections are taken, nothing is answered. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL; its port is closed afterwards. */
  kill(): Promise<void>;
}

const script = fileURLToPath(new URL("grpc_health_server.py", import.meta.url));

/** The stock health service of grpcio on a free port of 127.0.0.1. */
export async function startGrpcHealth(options: GrpcHealthOptions = {}): Promise<GrpcHealthServer> {
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const child = spawn(serverPath("grpcio-health-checking"), [script, JSON.stringify({ ...options, address })], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const calls: Record<string, string>[] = [];
  const lines = createInterface(child.stdout);
  const gone = once(child, "exit");
  const failed = gone.then(() => Promise.reject(new Error("the gRPC server has ended before it listened")));
  await Promise.race([once(lines, "line"), failed]);
  failed.catch(() => undefined);
  lines.on("line", (line) => calls.push(JSON.parse(line)));
  return {
    port,
    address,
    calls,
    closeOrders: () => void child.kill("SIGUSR1"),
    openOrders: () => void child.kill("SIGUSR2"),
    freeze: () => void child.kill("SIGSTOP"),
    thaw: () => void child.kill("SIGCONT"),
    kill: async () => {
      child.kill("SIGKILL");
      await gone;
    },
  };
}
