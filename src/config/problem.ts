/** One mistake in a config file, where it is and what to write instead. */
export interface ConfigProblem {
  /** As the user named it; a variable of the environment is `environment`. */
  readonly file: string;
  /** Counted from 1; 0 where there is no line (a missing file, a variable). */
  readonly line: number;
  readonly column: number;
  /** `checks[0].timeout`; empty for the file as a whole. */
  readonly path: string;
  readonly problem: string;
  /** What to write instead; empty when the problem says it. */
  readonly mend: string;
}

/** `healthspan.yaml:4:3 checks[0].url: is missing; add …`. */
export function formatProblem({ file, line, column, path, problem, mend }: ConfigProblem): string {
  const place = line > 0 ? `${file}:${line}:${column}` : file;
  const claim = mend === "" ? problem : `${problem}; ${mend}`;
  return visible(path === "" ? `${place}: ${claim}` : `${place} ${path}: ${claim}`);
}

/** One line, and no terminal escapes: keys and file names are shown as they were found. */
const visible = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ");

/** By file, then by place in it. */
export function sortProblems(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  return [...problems].sort(
    (a, b) => compareText(a.file, b.file) || a.line - b.line || a.column - b.column || compareText(a.path, b.path),
  );
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
