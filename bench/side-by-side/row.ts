import { readFileSync } from "node:fs";
import type { Conditions } from "../machine/conditions.js";
import type { Figures } from "./figures.js";

/** One system through one scenario, once: a line of the results. */
export interface Row {
  readonly scenario: string;
  readonly system: string;
  readonly round: number;
  readonly at: string;
  /** Cores that the system had. */
  readonly cores?: number;
  readonly windowSeconds?: number;
  /** What it ran for before the window, beside its own warm-up. */
  readonly settleSeconds?: number;
  /** CPU of everything on the machine that had no part in it, % of a core. */
  readonly othersPercent?: number;
  readonly load?: number;
  readonly figures?: Figures;
  /** Why there are no figures. */
  readonly cannot?: string;
}

/** The first line of the results. */
export interface Head {
  readonly conditions: Conditions;
  /** A row with more than this by others, % of a core, is marked. */
  readonly busyPercent: number;
  readonly systems: Readonly<Record<string, SystemHead>>;
}

export interface SystemHead {
  readonly label: string;
  readonly version: string;
}

export interface Results {
  readonly head: Head;
  readonly rows: readonly Row[];
}

export function parseResults(text: string): Results {
  const [first, ...rest] = text.trim().split("\n");
  const rows = rest.map((line) => JSON.parse(line) as Row);
  return { head: JSON.parse(first ?? "") as Head, rows };
}

export const readResults = (path: string): Results => parseResults(readFileSync(path, "utf8"));

/** Others used so much of the machine meanwhile that the row says little about the system. */
export function isMarked({ othersPercent = 0 }: Row, { busyPercent }: Pick<Head, "busyPercent">): boolean {
  return othersPercent > busyPercent;
}
