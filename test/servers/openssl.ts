import { spawn } from "node:child_process";
import { once } from "node:events";
import { serverPath } from "./available.js";
import type { Certificates } from "./certificates.js";
import { freePort } from "./free-port.js";

export interface StrictServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** OpenSSL's own TLS server, which refuses the handshake of a client that shows no certificate. */
export async function startStrictServer(
  { server, ca }: Certificates,
  version: "TLSv1.2" | "TLSv1.3",
): Promise<StrictServer> {
  const port = await freePort();
  const own = ["-cert", server.certPath, "-key", server.keyPath, "-CAfile", ca.certPath];
  const args = ["s_server", "-accept", `127.0.0.1:${port}`, ...own, "-Verify", "2", "-verify_return_error"];
  const child = spawn(serverPath("openssl"), [...args, version === "TLSv1.2" ? "-tls1_2" : "-tls1_3"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  let said = "";
  // It says ACCEPT once it listens.
  for await (const chunk of child.stdout) {
    said += chunk;
    if (said.includes("ACCEPT")) break;
  }
  return {
    port,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}
