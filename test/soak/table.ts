import { markdown } from "../../bench/side-by-side/table.js";
import type { Verdict } from "./judge.js";
import { series } from "./series.js";

const head = [
  "",
  "first quarter",
  "last quarter",
  "slope an hour",
  "± error",
  "a rise it would see, an hour",
  "verdict",
];

/** As Markdown: it is read in a terminal and goes into a page. */
export function verdictTable(verdicts: readonly Verdict[]): string {
  return markdown(head, verdicts.map(line));
}

function line({ name, from, to, slope, seesPerHour, isRising, isBlind }: Verdict): readonly string[] {
  const { title, digits } = series[name];
  const text = (value: number | undefined): string => (value === undefined ? "–" : value.toFixed(digits));
  const said = isRising ? "RISES" : isBlind ? "too short to tell" : "flat";
  return [title, text(from), text(to), text(slope?.perHour), text(slope?.errorPerHour), text(seesPerHour), said];
}
