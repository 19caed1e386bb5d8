// Loaded first by the scripts that people start, so that an old Node says one clear line instead of a stack trace.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 11)) {
  console.error(`Healthspan needs Node 20.11 or newer; this is Node ${process.versions.node}.`);
  process.exit(1);
}
