import { z } from "zod";
import { type CheckKind, secret } from "../../src/check.js";

/** Two kinds of no server, so that the config's own behaviour does not change with the real ones. */
const shopKind: CheckKind = {
  kind: "shop",
  summary: "The shop is open.",
  options: z
    .strictObject({
      url: secret("Where it is.")
        .refine((text) => URL.canParse(text), "is no URL; write `shop://host`")
        .optional(),
      host: z.string().min(1).optional(),
      port: z.int().min(1).max(65_535).default(80),
      password: secret("Its password.").optional(),
      isOpen: z.boolean().default(true),
      size: z.enum(["small", "large"]).optional(),
      rows: z
        .union([z.literal("all"), z.array(z.strictObject({ name: z.string(), least: z.int().optional() }))])
        .optional(),
      headers: z.record(z.string(), secret("Sent as it is.")).optional(),
      expect: z.record(z.string(), z.unknown()).optional(),
    })
    .refine(({ url, host }) => url !== undefined || host !== undefined, "names no shop; add `url` or `host`"),
  facts: {
    customers: { type: "number", description: "Who is in." },
    open: { type: "boolean", description: "Whether it is." },
    sign: { type: "string", description: "What the sign says." },
  },
  defaults: { intervalMs: 30_000, timeoutMs: 3_000, thresholds: { customers: { unhealthy: { above: 90 } } } },
  create: () => ({ run: async () => ({ status: "healthy" }) }),
  discover: ({ SHOP_URL }) =>
    SHOP_URL === undefined
      ? undefined
      : { name: "shop", critical: true, options: { url: "${env:SHOP_URL}" }, because: "SHOP_URL is set" },
};

const hostKind: CheckKind = {
  kind: "host",
  summary: "The host has room.",
  options: z.strictObject({ disks: z.array(z.string()).optional() }),
  facts: {},
  hasOpenFacts: true,
  isResources: true,
  defaults: { intervalMs: 10_000, timeoutMs: 2_000 },
  create: () => ({ run: async () => ({ status: "healthy" }) }),
};

export const fakeKinds: readonly CheckKind[] = [shopKind, hostKind];
