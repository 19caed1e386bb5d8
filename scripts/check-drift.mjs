// `npm run drift`: every generator compares what it would write with what is committed, and writes nothing.
import "./node-version.mjs";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const generators = readdirSync(import.meta.dirname).filter((name) => /^generate-.+\.ts$/.test(name));

function hasDrifted(name) {
  const { status } = spawnSync(process.execPath, ["--import", "tsx", join("scripts", name), "--check"], {
    cwd: root,
    stdio: "inherit",
  });
  return status !== 0;
}

if (generators.length === 0) {
  console.error("No scripts/generate-*.ts found: nothing was compared.");
  process.exit(1);
}
const drifted = generators.filter(hasDrifted);
if (drifted.length > 0) {
  console.error(`\nOut of date. To write again: ${drifted.map((name) => `npx tsx scripts/${name}`).join(" && ")}`);
  process.exit(1);
}
