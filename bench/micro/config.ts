import { loadConfig } from "../../src/config/load-config.js";
import type { Figures } from "../side-by-side/figures.js";
import { checkCount } from "./checks.js";
import { microsecondsEach } from "./measured.js";

/** From the text of a file to a frozen config, warm: what a reload costs. */
export async function measure(): Promise<Figures> {
  const checks = Array.from(
    { length: checkCount },
    (_, index) =>
      `  - { name: check-${index}, kind: http, interval: 10s, url: "http://127.0.0.1/c/${index}", expect: { bodyContains: UP } }`,
  );
  const yaml = Buffer.from(`service: { name: bench }\nchecks:\n${checks.join("\n")}\n`);
  const disk = { read: () => yaml, list: () => undefined };
  const us = await microsecondsEach(() => {
    const loaded = loadConfig({ files: ["healthspan.yaml"], env: {}, cwd: "/", disk });
    if (!loaded.ok || loaded.config.checks.length !== checkCount) throw new Error("the config did not load");
  });
  return { configMs: us / 1_000 };
}
