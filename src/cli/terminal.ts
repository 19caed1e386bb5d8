import type { WriteStream } from "node:tty";

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

/** Colours a text, or leaves it as it is. */
export type Paint = (color: keyof typeof codes, text: string) => string;

export const plain: Paint = (_color, text) => text;
const colored: Paint = (color, text) => `\u001B[${codes[color]}m${text}\u001B[0m`;

type Environment = Readonly<Record<string, string | undefined>>;

/** A stream that people or programs read. */
export interface Terminal {
  /** Whether people read it, and a line can be drawn anew. */
  readonly isTerminal: boolean;
  /** Characters in a line; without a terminal there is no limit. */
  readonly columns: number;
  readonly paint: Paint;
  write(text: string): void;
}

export function createTerminal(
  stream: Pick<WriteStream, "write" | "isTTY" | "columns">,
  environment: Environment,
): Terminal {
  const isTerminal = stream.isTTY === true && environment.TERM !== "dumb";
  return {
    isTerminal,
    columns: stream.isTTY ? stream.columns || 80 : Number.POSITIVE_INFINITY,
    paint: wantsColor(isTerminal, environment) ? colored : plain,
    write: (text) => void stream.write(text),
  };
}

/** `NO_COLOR` (no-color.org) wins over `FORCE_COLOR` (force-color.org), both win over what the stream is. */
export function wantsColor(isTerminal: boolean, { NO_COLOR, FORCE_COLOR, TERM }: Environment): boolean {
  if (NO_COLOR) return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== "") return FORCE_COLOR !== "0" && FORCE_COLOR !== "false";
  return isTerminal && TERM !== "dumb";
}

/** Resolves once what was written has left the process, so that it may exit. */
export function drained(stream: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write("", () => resolve());
  });
}
