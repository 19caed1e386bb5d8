export type ExpositionFormat = "text" | "openmetrics";

export const contentTypes: Readonly<Record<ExpositionFormat, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

interface MediaRange {
  readonly type: string;
  readonly version: string | undefined;
  readonly quality: number;
}

/** The format that an `Accept` header asks for (RFC 9110, section 12.5.1); text when it does not care or asks for neither. */
export function negotiate(accept: string | undefined): ExpositionFormat {
  const ranges = (accept ?? "").split(",").map(parseRange);
  const openmetrics = best(ranges, "application/openmetrics-text", ["1.0.0"]);
  const text = best(ranges, "text/plain");
  if (openmetrics.quality !== text.quality) return openmetrics.quality > text.quality ? "openmetrics" : "text";
  const isNamed = openmetrics.quality > 0 && openmetrics.specificity > text.specificity;
  return isNamed ? "openmetrics" : "text";
}

function parseRange(text: string): MediaRange {
  const [type = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const values = new Map(parameters.map((parameter) => splitParameter(parameter)));
  const quality = Number(values.get("q") ?? 1);
  return { type, version: values.get("version"), quality: quality >= 0 && quality <= 1 ? quality : 0 };
}

function splitParameter(parameter: string): [string, string] {
  const [name = "", value = ""] = parameter.split("=", 2);
  return [name.trim(), value.trim().replace(/^"|"$/g, "")];
}

/** The most specific range that covers a type decides its quality. */
function best(
  ranges: readonly MediaRange[],
  type: string,
  versions?: readonly string[],
): { readonly quality: number; readonly specificity: number } {
  const major = `${type.split("/", 1)[0]}/*`;
  let found = { quality: 0, specificity: 0 };
  for (const range of ranges) {
    const specificity = 1 + ["*/*", major, type].indexOf(range.type);
    const hasVersion = range.version === undefined || !versions || versions.includes(range.version);
    if (specificity === 0 || !hasVersion || specificity < found.specificity) continue;
    const isMoreSpecific = specificity > found.specificity;
    if (isMoreSpecific || range.quality > found.quality) found = { quality: range.quality, specificity };
  }
  return found;
}
