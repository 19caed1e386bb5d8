import { startDnsmasq } from "../servers/dnsmasq.js";
import type { KindContract } from "./kind-contract.js";
import { listenSilentlyByUdp } from "./peers.js";

export const contract: KindContract = {
  at: (port) => ({ hostname: "app.test", resolver: `127.0.0.1:${port}` }),
  listenSilently: listenSilentlyByUdp,
  healthy: {
    needs: ["dnsmasq"],
    start: async () => {
      const { address, remove } = await startDnsmasq();
      return { options: { hostname: "app.test", resolver: address, expect: ["127.0.0.2"] }, remove };
    },
  },
  wrongCredentials: { notApplicable: "it signs in nowhere" },
  planted: () => [],
};
