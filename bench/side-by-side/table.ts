import { summary } from "../machine/summary.js";
import { type FigureName, figureNames, figures, nameOf } from "./figures.js";
import { type Head, isMarked, type Results, type Row } from "./row.js";
import { type Scenario, scenarios } from "./scenarios.js";

/** Behind figures of rows in which others used the machine. */
export const mark = "*";

/** One row as it comes. */
export function rowText(row: Row, head: Head): string {
  const name = `${row.round} ${row.scenario} ${row.system}`;
  if (row.cannot !== undefined) return `${name}: ${row.cannot}`;
  const cells = namesIn([row]).map((figure) => `${nameOf(figure)} ${text([row], figure)}`);
  const others = `others ${(row.othersPercent ?? 0).toFixed(0)} %${isMarked(row, head) ? ` ${mark}` : ""}`;
  return `${name}: ${[...cells, others].join("; ")}`;
}

/** Every scenario that there are rows of: its title, and a table. */
export function tables(results: Results): string {
  return scenarios
    .filter(({ name }) => results.rows.some(({ scenario }) => scenario === name))
    .map((scenario) => `${scenario.title}\n\n${tableOf(scenario, results)}`)
    .join("\n\n");
}

/** Medians and ranges, a line each system; below it who could not, and why. */
export function tableOf({ name }: Pick<Scenario, "name">, { head, rows }: Results): string {
  const here = rows.filter(({ scenario }) => scenario === name);
  const columns = namesIn(here);
  const lines: string[][] = [];
  const asides: string[] = [];
  for (const [system, { label }] of Object.entries(head.systems)) {
    const own = here.filter((row) => row.system === system);
    const measured = own.filter((row) => row.figures !== undefined);
    if (measured.length > 0)
      lines.push([labelOf(label, measured, head), ...columns.map((column) => text(measured, column))]);
    const reasons = new Set(own.flatMap(({ cannot }) => (cannot === undefined ? [] : [cannot])));
    asides.push(...[...reasons].map((reason) => `${label}: ${reason}.`));
  }
  const table = lines.length > 0 ? [markdown(["", ...columns.map((column) => figures[column].title)], lines)] : [];
  return [...table, ...asides].join("\n\n");
}

function labelOf(label: string, rows: readonly Row[], head: Head): string {
  const cores = rows[0]?.cores ?? 1;
  const marked = rows.filter((row) => isMarked(row, head)).length;
  return `${label}${cores > 1 ? `, ${cores} cores` : ""}${marked > 0 ? ` ${mark}${marked} of ${rows.length}` : ""}`;
}

export function valuesOf(rows: readonly Row[], figure: FigureName): readonly number[] {
  return rows.map((row) => row.figures?.[figure]).filter((value) => value !== undefined);
}

function text(rows: readonly Row[], figure: FigureName): string {
  return summary(valuesOf(rows, figure), figures[figure].digits);
}

const namesIn = (rows: readonly Row[]): readonly FigureName[] =>
  figureNames.filter((figure) => valuesOf(rows, figure).length > 0);

export function markdown(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), `|${head.map(() => "---|").join("")}`, ...lines.map(line)].join("\n");
}
