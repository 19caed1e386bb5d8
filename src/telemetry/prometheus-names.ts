/**
 * Names as Prometheus' own OTLP translation (`UnderscoreEscapingWithSuffixes`) makes them, so that a scrape and a push
 * give the same series: https://github.com/prometheus/otlptranslator
 */
export type FamilyType = "counter" | "gauge" | "histogram";

export interface FamilyName {
  /** Without `_total`. */
  readonly base: string;
  /** What the unit was turned into, when the name ends with it. */
  readonly unit: string | undefined;
}

const unitWords: Readonly<Record<string, string>> = {
  d: "days",
  h: "hours",
  min: "minutes",
  s: "seconds",
  ms: "milliseconds",
  us: "microseconds",
  ns: "nanoseconds",
  By: "bytes",
  KiBy: "kibibytes",
  MiBy: "mebibytes",
  GiBy: "gibibytes",
  TiBy: "tibibytes",
  KBy: "kilobytes",
  MBy: "megabytes",
  GBy: "gigabytes",
  TBy: "terabytes",
  Cel: "celsius",
  Hz: "hertz",
  "%": "percent",
  "1": "",
};
const perUnitWords: Readonly<Record<string, string>> = {
  s: "second",
  min: "minute",
  h: "hour",
  d: "day",
};

export function familyName(name: string, unit: string, type: FamilyType): FamilyName {
  let tokens = name.split(/[^a-zA-Z0-9:]+/).filter((token) => token !== "");
  const unitTokens = unitSuffix(unit);
  for (const token of unitTokens) if (!tokens.includes(token)) tokens.push(token);
  if (type === "counter") tokens = tokens.filter((token) => token !== "total");
  if (type === "gauge" && unit === "1") tokens = [...tokens.filter((token) => token !== "ratio"), "ratio"];
  const base = tokens.join("_") || "_";
  const suffix = type === "gauge" && unit === "1" ? "ratio" : unitTokens.join("_");
  return {
    base: /^[0-9]/.test(base) ? `_${base}` : base,
    unit: suffix !== "" && base.endsWith(`_${suffix}`) ? suffix : undefined,
  };
}

/** `By/s` is `bytes`, `per`, `second`; an annotation such as `{run}` is nothing. */
function unitSuffix(unit: string): readonly string[] {
  const [main = "", per] = unit.split("/", 2).map((part) => part.trim());
  const perWord = per === undefined ? "" : word(per, perUnitWords);
  return [...tokensOf(word(main, unitWords)), ...(perWord === "" ? [] : ["per", ...tokensOf(perWord)])];
}

const word = (unit: string, words: Readonly<Record<string, string>>): string =>
  unit.includes("{") ? "" : (words[unit] ?? unit);

const tokensOf = (text: string): readonly string[] => text.split(/[^a-zA-Z0-9]+/).filter((token) => token !== "");

export function labelName(key: string): string {
  const name = key.replace(/[^a-zA-Z0-9_]/g, "_");
  if (/^[0-9]/.test(name)) return `key_${name}`;
  return name.startsWith("_") && !name.startsWith("__") ? `key${name}` : name;
}
