/** Something that is fed hostile bytes, and what must hold whatever they are. */
export interface FuzzTarget {
  /** Also the name of its folder in `corpus/`. */
  readonly name: string;
  /** What is fed, in one line. */
  readonly feeds: string;
  /** Well-formed inputs that mutation starts from, beside the kept corpus. */
  readonly seeds: readonly (string | Buffer)[];
  /** Words that mean something to the reader of the input. */
  readonly words: readonly (string | Buffer)[];
  /** Bytes; longer inputs are cut. */
  readonly maxLength: number;
  /** Mutated inputs that `npm test` tries, always the same ones. */
  readonly runsInTests: number;
  /** How many are started, and fed side by side, where they mostly wait. */
  readonly lanes?: number;
  start(): Promise<StartedTarget> | StartedTarget;
}

export interface StartedTarget {
  /** Throws, or rejects, when what must hold does not. */
  judge(input: Buffer): Promise<void> | void;
  close?(): Promise<void>;
}

/** Planted wherever a target takes a secret; no output may ever hold it. */
export const plantedSecret = "pl4nted-S3cret/äß";
