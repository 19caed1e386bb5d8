import { isOutside, readPluginOutput } from "../../../src/wire/performance-data.js";
import type { FuzzTarget } from "../fuzz-target.js";
import { mustHold } from "../invariants.js";

const options = {
  maxMeasurements: 100,
  taken: ["exit_code"],
  isUntellable: (words: string) => words.includes("secret"),
};

function judge(input: Buffer): void {
  const { firstLine, measurements } = readPluginOutput(input.toString(), options);
  mustHold(!firstLine.includes("\n") && !firstLine.includes("|"), "more than the first line's text");
  mustHold(measurements.length <= options.maxMeasurements, "too many measurements");
  const names = new Set(["exit_code"]);
  for (const { name, value, warning, critical } of measurements) {
    mustHold(/^[a-z][a-z0-9_]{0,62}$/.test(name), `no name: ${name}`);
    mustHold(!names.has(name), `${name} twice`);
    mustHold(Number.isFinite(value), `${name} is ${value}`);
    names.add(name);
    for (const range of [warning, critical]) {
      if (!range) continue;
      mustHold(range.low <= range.high, `${name} has a range of ${range.low} to ${range.high}`);
      isOutside(range, value);
    }
  }
}

export const perfdata: FuzzTarget = {
  name: "perfdata",
  feeds: "output of a monitoring plugin, to kind `exec`",
  seeds: [
    "DISK OK - free space: / 3326 MB (56%) | /=2643MB;5948;5958;0;5968 /boot=68MB;88;93;0;98",
    "OK|'user''s load'=0.5;1;2 time=0.01s;@1:2;~:5;0;10\nmore\ntext|a=1c b=2% c=3B\nd=U",
    "PING OK - rta=0.5 ms|rta=0.500000ms;100;500;0 pl=0%;20;60;;",
  ],
  words: ["|", "'", "''", "=", ";", "@", "~:", ":", "U", "e+9", "%", "µs", "KB", "\r\n", " ", "'='='", "secret"],
  maxLength: 8_192,
  runsInTests: 500,
  start: () => ({ judge }),
};
