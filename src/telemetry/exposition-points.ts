import type { Attributes } from "@opentelemetry/api";
import type { Exemplar } from "../signals/counts.js";
import type { Descriptor } from "../signals/descriptors.js";

export type PutNumber = (attributes: Attributes, value: number) => void;

/** Read at once: the counts are those of whoever counts on. */
export interface HistogramPoint {
  readonly attributes: Attributes;
  readonly boundaries: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
  readonly exemplars?: readonly (Exemplar | undefined)[];
}

export interface NumberPoints {
  readonly type: "counter" | "gauge";
  readonly length: number;
  /** Puts what there is at an index: no point, one or several. */
  visit(index: number, put: PutNumber): void;
}
export interface HistogramPoints {
  readonly type: "histogram";
  readonly length: number;
  visit(index: number, put: (point: HistogramPoint) => void): void;
}

/** A metric whose points are made as they are written, and gone then. */
export interface LiveMetric {
  readonly descriptor: Descriptor;
  readonly points: NumberPoints | HistogramPoints;
  /** What the points at an index count from, epoch milliseconds. */
  sinceMs(index: number): number;
}
