import type { KindContract } from "./kind-contract.js";

export const contract: KindContract = {
  at: { notApplicable: "it reads the machine that it runs on and asks nobody" },
  plain: {},
  healthy: { needs: [], start: async () => ({ options: {}, remove: async () => undefined }) },
  wrongCredentials: { notApplicable: "it signs in nowhere" },
  planted: () => [],
};
