import { nearest } from "../config/suggest.js";

/** More would fill the screen. */
const maxNames = 20;

/** `no check is named shpo; did you mean shop?`, else the checks that there are. */
export function unknownCheck(names: readonly string[], known: readonly string[]): string {
  const [name = ""] = names;
  const near = names.length === 1 ? nearest(name, known) : undefined;
  const advice = near === undefined ? `there are: ${listed(known)}` : `did you mean ${near}?`;
  return `no check is named ${names.join(", ")}; ${advice}`;
}

function listed(known: readonly string[]): string {
  const shown = known.slice(0, maxNames).join(", ");
  if (known.length > maxNames) return `${shown} and ${known.length - maxNames} more`;
  return shown || "none";
}
