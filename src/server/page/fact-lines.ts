import type { FactRow, FactScalar, Facts, FactValue } from "../../check.js";

/** A fact as it is shown: one text, several, or a small table. */
export interface FactLine {
  readonly name: string;
  readonly texts: readonly string[];
  readonly table?: FactTableView;
}

export interface FactTableView {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface FactLines {
  readonly lines: readonly FactLine[];
  /** Facts and values that are left out; the report has them. */
  readonly omitted: number;
}

const maxFacts = 40;
const maxItems = 20;

export function factLines(facts: Facts): FactLines {
  const entries = Object.entries(facts);
  const shown = entries.slice(0, maxFacts);
  const cut = shown.reduce((sum, [, value]) => sum + Math.max(0, lengthOf(value) - maxItems), 0);
  return {
    lines: shown.map(([name, value]) => ({ name, ...shownValue(value) })),
    omitted: entries.length - shown.length + cut,
  };
}

const isScalar = (value: FactValue): value is FactScalar => typeof value !== "object";
const lengthOf = (value: FactValue): number => (isScalar(value) ? 1 : value.length);

function shownValue(value: FactValue): Omit<FactLine, "name"> {
  if (isScalar(value)) return { texts: [scalarText(value)] };
  const items: readonly (string | FactRow)[] = value.slice(0, maxItems);
  const rows = items.filter((item): item is FactRow => typeof item === "object" && item !== null);
  if (rows.length === 0) return { texts: items.map(String) };
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return { texts: [], table: { columns, rows: rows.map((row) => columns.map((column) => cellText(row, column))) } };
}

const cellText = (row: FactRow, column: string): string => {
  const value = Object.hasOwn(row, column) ? row[column] : null;
  return value === null || value === undefined ? "" : scalarText(value);
};

/** Long numbers are easier to read in groups of three; a fraction keeps three digits. */
const createNumberFormats = () => ({
  large: new Intl.NumberFormat("en", { maximumFractionDigits: 3, useGrouping: "min2" }),
  small: new Intl.NumberFormat("en", { maximumSignificantDigits: 3 }),
});
/** Made for the first page: the data behind them takes a tenth of the time in which an agent starts. */
let numberFormats: ReturnType<typeof createNumberFormats> | undefined;

function scalarText(value: FactScalar): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return value;
  numberFormats ??= createNumberFormats();
  return (Math.abs(value) < 1 ? numberFormats.small : numberFormats.large).format(value);
}
