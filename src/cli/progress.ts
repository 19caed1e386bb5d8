import type { Terminal } from "./terminal.js";

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const frameMs = 100;
/** Shorter waits are not worth a line. */
const delayMs = 200;
const clearLine = "\r\u001B[2K";

export interface Progress {
  say(words: string): void;
  /** Takes the line away. */
  end(): void;
}

const silent: Progress = { say: () => {}, end: () => {} };

/** One line that says what is waited for; only on a terminal. */
export function startProgress(words: string, terminal: Terminal): Progress {
  if (!terminal.isTerminal) return silent;
  let current = words;
  let frame = 0;
  const draw = (): void => {
    const spinner = frames[frame++ % frames.length] ?? "";
    terminal.write(clearLine + terminal.paint("cyan", spinner) + ` ${current}`.slice(0, terminal.columns - 2));
  };
  let timer = setTimeout(() => {
    draw();
    timer = setInterval(draw, frameMs);
  }, delayMs);
  return {
    say: (next) => {
      current = next;
    },
    end: () => {
      clearTimeout(timer);
      if (frame > 0) terminal.write(clearLine);
    },
  };
}
