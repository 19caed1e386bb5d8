// Ends what a soak leaves when it is killed: a process of its own, which notes every second who descends from the soak.
// Arguments: the soak's process, its folder. Its input ends when the soak does; after an orderly end there is nothing to do.
import { readdirSync, readFileSync, rmSync } from "node:fs";

const [soak, folder] = [Number(process.argv[2]), process.argv[3]];
/** By number, with the time of the start: numbers are given out again. */
const known = new Map();

function statOf(pid) {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
    return { pid: Number(pid), parent: Number(fields[1]), startedAt: fields[19] };
  } catch {
    return undefined;
  }
}

function noteFamily() {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => statOf(pid) ?? []);
  const family = new Set([soak]);
  for (let before = 0; before < family.size; ) {
    before = family.size;
    for (const { pid, parent } of all) if (family.has(parent) && pid !== process.pid) family.add(pid);
  }
  for (const { pid, startedAt } of all) if (family.has(pid) && pid !== soak) known.set(pid, startedAt);
  for (const pid of known.keys()) if (statOf(pid)?.startedAt !== known.get(pid)) known.delete(pid);
}

setInterval(noteFamily, 1_000);
process.stdin.resume();
process.stdin.on("end", () => {
  for (const [pid, startedAt] of known) {
    try {
      if (statOf(pid)?.startedAt === startedAt) process.kill(pid, "SIGKILL");
    } catch {
      // Ended meanwhile.
    }
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  process.exit(0);
});
