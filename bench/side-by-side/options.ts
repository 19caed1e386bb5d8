import { parseArgs } from "node:util";

export const usage = `Usage: npm run bench [-- OPTIONS]

  --scenarios a,b    some of them; --list says which there are
  --systems a,b      some of them
  --repeat N         rounds through all of it (1)
  --seconds N        window of each load, to try it out; figures need the windows it has
  --out FILE         JSON lines
  --write            bench/results/side-by-side.jsonl and docs/performance.md; a whole run only
  --quiet N          before each row, wait (2 minutes at most) until others use less than N % of a core
  --busy N           mark rows in which others used more than N % of a core (10)
  --node N           ours under this Node as well: a version, or the path of one; may be repeated
  --main LABEL=FILE  another build of ours as well: its dist/cli/main.js; may be repeated
  --blackbox FILE, --prometheus FILE, --cloudprober FILE, --gatus FILE
                     programs that are not found by themselves
  --list             what there is to measure, and how long it takes`;

/** @throws on an option that there is not. */
export function readOptions(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const texts = { type: "string", multiple: true } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenarios: text,
      systems: text,
      repeat: { type: "string", default: "1" },
      seconds: text,
      out: text,
      write: flag,
      quiet: { type: "string", default: "0" },
      busy: { type: "string", default: "10" },
      node: texts,
      main: texts,
      blackbox: text,
      prometheus: text,
      cloudprober: text,
      gatus: text,
      list: flag,
      help: flag,
    },
  });
  if (values.write && (values.seconds ?? values.scenarios ?? values.systems) !== undefined)
    throw new Error("--write takes a whole run; leave --seconds, --scenarios and --systems out, or write --out FILE");
  return values;
}

/** Those that are named, or all. @throws where one is not there. */
export function chosen<Item extends { readonly name: string }>(all: readonly Item[], names: string | undefined) {
  if (names === undefined) return all;
  return names.split(",").map((name) => {
    const item = all.find((one) => one.name === name);
    if (!item) throw new Error(`nothing is named ${name}; there are ${all.map((one) => one.name).join(", ")}`);
    return item;
  });
}
