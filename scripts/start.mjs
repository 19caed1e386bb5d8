// `npm start`: installs and builds what is missing, then runs the demo. Arguments go to `healthspan demo`.
import "./node-version.mjs";
import { spawn } from "node:child_process";
import { join } from "node:path";

const { ensureInstalled, root } = await import("./install.mjs");
ensureInstalled();
const { ensureBuilt } = await import("./build.mjs");
try {
  await ensureBuilt(["cli"]);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

const demo = spawn(process.execPath, [join(root, "dist/cli/main.js"), "demo", ...process.argv.slice(2)], {
  stdio: "inherit",
});
// A terminal sends SIGINT to both of us; a supervisor knows only this process.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => demo.kill("SIGTERM"));
demo.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));
