import { spawnSync } from "node:child_process";

/** The number in what a program says to `--version`, on either of its outputs. */
export function versionOf(program: string): string {
  const { stdout, stderr } = spawnSync(program, ["--version"], { encoding: "utf8" });
  return /\d+\.\d+[\w.+-]*/.exec(`${stdout}${stderr}`)?.[0] ?? "unknown";
}
