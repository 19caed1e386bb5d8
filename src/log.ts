import type { Writable } from "node:stream";
import type { Logger } from "pino";
import { createScrubber, type Scrub } from "./signals/scrubber.js";

/** Values of a line, by name. An `Error` becomes its message, with the stack at level `debug` only. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * The process log: start, each check registered, the first report, changes, reload, stop. One line per change, never
 * one per run.
 */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface LogOptions {
  /** Taken out of every message and field, in every form. */
  readonly secrets: readonly string[];
  /** `info` unless said. */
  readonly level?: LogLevel;
  /** For people instead of JSON lines. */
  readonly pretty?: boolean;
  readonly colors?: boolean;
  /** Standard output unless said. */
  readonly stream?: Writable;
  /** Told once for each time that the log cannot be written, in one line; standard error unless said. */
  readonly complain?: (line: string) => void;
}

export interface ProcessLog extends Log {
  /** From now on these are taken out as well: a reload may bring new ones, the old ones are still in flight. */
  hide(secrets: readonly string[]): void;
  /**
   * Resolves once everything is written, or after `timeoutMs`: whoever reads the log may have stopped reading, and that
   * must not hold up the end of the process.
   */
  flush(timeoutMs?: number): Promise<void>;
}

/** Lines beyond this many bytes that nobody reads are dropped, so that memory stays bounded. */
const maxBufferedBytes = 1024 * 1024;
const flushTimeoutMs = 500;
const maxDepth = 4;

/** Loads pino (and pino-pretty when asked for) and opens the log. */
export async function createLog(options: LogOptions): Promise<ProcessLog> {
  const { pino } = await import("pino");
  const stream = options.stream ?? process.stdout;
  // A full disk or a reader that went away costs lines, never the agent.
  stream.on("error", () => {});
  const format = options.pretty ? await prettyFormat(options) : (line: string) => line;
  const logger = pino(
    {
      level: options.level ?? "info",
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line) => sink.write(format(line)) },
  );
  const sink = new LineSink(stream, options.complain ?? complainOnStderr, (lost, why) =>
    logger.warn({ lost }, `${lost} lines of the log were lost: ${why}`),
  );
  let secrets = options.secrets;
  let scrub = createScrubber(secrets);
  return {
    ...linesOf(logger, (text) => scrub(text)),
    hide: (more) => {
      secrets = [...new Set([...secrets, ...more])];
      scrub = createScrubber(secrets);
    },
    flush: (timeoutMs = flushTimeoutMs) => settleWithin(timeoutMs, (done) => stream.write("", done)),
  };
}

/** Lines that cannot be written are counted: a log with a gap in it must say so, once it can. */
class LineSink {
  private lost = 0;
  private why = "";

  constructor(
    private readonly stream: Writable,
    private readonly complain: (line: string) => void,
    private readonly onGap: (lost: number, why: string) => void,
  ) {}

  /** Node writes to a pipe without blocking and buffers what its reader does not take; here that buffer ends. */
  write(text: string): void {
    if (this.stream.writableLength >= maxBufferedBytes) this.lose("its reader does not keep up");
    else this.stream.write(text, (error) => (error ? this.lose(codeOf(error)) : this.wrote()));
  }

  private lose(why: string): void {
    if (this.lost === 0) this.complain(`healthspan: the log cannot be written (${why}); lines are lost until it can\n`);
    this.lost += 1;
    this.why = why;
  }

  private wrote(): void {
    const { lost } = this;
    if (lost === 0) return;
    this.lost = 0;
    this.onGap(lost, this.why);
  }
}

const codeOf = (error: NodeJS.ErrnoException): string => error.code ?? error.message;

/** It may be as full as the log is. */
function complainOnStderr(line: string): void {
  if (process.stderr.listenerCount("error") === 0) process.stderr.on("error", () => {});
  process.stderr.write(line);
}

/** The message says it all to people; its fields are for programs, and for whoever debugs. */
async function prettyFormat({ colors = false, level }: LogOptions): Promise<(line: string) => string> {
  const { prettyFactory } = await import("pino-pretty");
  const showsFields = level === "debug";
  return prettyFactory({
    colorize: colors,
    // It ends a single line after the fields only: without fields, the line would never end.
    singleLine: showsFields,
    errorLikeObjectKeys: [],
    hideObject: !showsFields,
    translateTime: "SYS:HH:MM:ss",
    messageFormat: ({ msg, error }) => (error === undefined ? String(msg) : `${msg}: ${error}`),
  });
}

function linesOf(logger: Logger, scrub: Scrub): Log {
  const withStack = logger.isLevelEnabled("debug");
  const line =
    (level: LogLevel) =>
    (fields: LogFields, message: string): void => {
      if (logger.isLevelEnabled(level)) logger[level](scrubFields(fields, scrub, withStack), scrub(message));
    };
  return { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
}

function scrubFields(fields: LogFields, scrub: Scrub, withStack: boolean): LogFields {
  const clean = (value: unknown, depth: number): unknown => {
    if (typeof value === "string") return scrub(value);
    if (value instanceof Error) return scrub((withStack && value.stack) || value.message || value.name);
    if (typeof value !== "object" || value === null || value instanceof Date) return value;
    if (depth === maxDepth) return "…";
    if (Array.isArray(value)) return value.map((item) => clean(item, depth + 1));
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, clean(item, depth + 1)]));
  };
  return clean(fields, 0) as LogFields;
}

function settleWithin(timeoutMs: number, start: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    start(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
