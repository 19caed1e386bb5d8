import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (path: string): string => fileURLToPath(new URL(`src/${path}`, import.meta.url));

/** Examples import the package as its users do; here that is the source, as in tsconfig.json. */
const resolve = {
  alias: [
    { find: /^healthspan$/, replacement: source("index.ts") },
    { find: /^healthspan\/(agent|testing)$/, replacement: source("$1.ts") },
    { find: /^healthspan\/kinds\/(.+)$/, replacement: source("kinds/$1.ts") },
  ],
};

/** Suites by what they need: `unit` runs anywhere in seconds, the others start real servers and sockets. */
export default defineConfig({
  test: {
    projects: [
      {
        resolve,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/{contract,integration,faults,leaks,stack,browser,package,fixtures,fuzz}/**"],
          testTimeout: 10_000,
        },
      },
      {
        test: {
          name: "contract",
          include: ["test/contract/**/*.test.ts"],
          testTimeout: 30_000,
          fileParallelism: false,
        },
      },
      {
        resolve,
        test: {
          name: "fuzz",
          include: ["test/fuzz/**/*.test.ts"],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: "leaks",
          include: ["test/leaks/**/*.test.ts"],
          testTimeout: 300_000,
          // Each test is a process of its own, and busy: as many as CI has cores.
          maxConcurrency: 2,
        },
      },
      {
        resolve,
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "package",
          include: ["test/package/**/*.test.ts"],
          testTimeout: 120_000,
        },
      },
      {
        resolve,
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Each file has a Chromium of its own, and mostly waits.
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: "faults",
          include: ["test/faults/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          // Cells mostly wait: for the next run, for a deadline.
          maxConcurrency: 6,
        },
      },
      {
        test: {
          name: "stack",
          include: ["test/stack/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Each file has a Collector, a Prometheus and more of its own, and mostly waits.
          maxWorkers: 2,
        },
      },
    ],
  },
});
