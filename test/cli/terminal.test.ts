import { describe, expect, it } from "vitest";
import { createTerminal, wantsColor } from "../../src/cli/terminal.js";

describe("colours", () => {
  it("are for terminals only", () => {
    expect(wantsColor(true, {})).toBe(true);
    expect(wantsColor(false, {})).toBe(false);
    expect(wantsColor(true, { TERM: "dumb" })).toBe(false);
  });

  it("follow FORCE_COLOR whatever the stream is", () => {
    expect(wantsColor(false, { FORCE_COLOR: "1" })).toBe(true);
    expect(wantsColor(true, { FORCE_COLOR: "0" })).toBe(false);
    expect(wantsColor(true, { FORCE_COLOR: "" })).toBe(true);
  });

  it("are off with NO_COLOR, unless that is empty", () => {
    expect(wantsColor(true, { NO_COLOR: "1", FORCE_COLOR: "1" })).toBe(false);
    expect(wantsColor(true, { NO_COLOR: "" })).toBe(true);
  });
});

describe("a terminal", () => {
  it("has no line end when it is a pipe", () => {
    const written: string[] = [];
    const terminal = createTerminal({ write: (text: string) => written.push(text) > 0 } as never, {});
    terminal.write(terminal.paint("red", "text"));
    expect(terminal).toMatchObject({ isTerminal: false, columns: Number.POSITIVE_INFINITY });
    expect(written).toEqual(["text"]);
  });

  it("counts 80 columns where the system does not say", () => {
    const stream = { write: () => true, isTTY: true, columns: 0 } as never;
    expect(createTerminal(stream, {}).columns).toBe(80);
  });

  it("that knows no escape codes counts as none", () => {
    const stream = { write: () => true, isTTY: true, columns: 80 } as never;
    expect(createTerminal(stream, { TERM: "dumb" }).isTerminal).toBe(false);
  });
});
