/** Writes docs/performance.md from what `npm run bench -- --write` measured last: bench/results/side-by-side.jsonl. */
import { join } from "node:path";
import { performancePage } from "../bench/side-by-side/page.js";
import { readResults } from "../bench/side-by-side/row.js";
import { root, writeOrCompare } from "./generated-file.js";

writeOrCompare(
  join(root, "docs/performance.md"),
  performancePage(readResults(join(root, "bench/results/side-by-side.jsonl"))),
);
