import { describe, expect, it } from "vitest";
import { parseJsonAnswer, readAnswer } from "../../src/telemetry/otlp-answer.js";

const answerOf = (text: string) => readAnswer(Buffer.from(text), parseJsonAnswer);

describe("the answer to an export", () => {
  it.each(["", "{}", '{"partialSuccess":{}}', '{"partialSuccess":null}', '{"status":"ok"}'])(
    "%j is a plain yes",
    (text) => {
      expect(answerOf(text)).toEqual({ rejected: 0 });
    },
  );

  it.each(["rejectedSpans", "rejectedDataPoints", "rejectedLogRecords"])("tells how much was not taken: %s", (key) => {
    expect(answerOf(JSON.stringify({ partialSuccess: { [key]: "7", errorMessage: "old" } }))).toEqual({
      rejected: 7,
      remark: "old",
    });
  });

  it.each(["<html>", "null", "\u0000", '{"partialSuccess"'])("%j is no OTLP", (text) => {
    expect(answerOf(text).remark).toContain("no OTLP");
  });

  it.each([-3, "many", {}])("counts no nonsense: %j", (rejectedSpans) => {
    expect(answerOf(JSON.stringify({ partialSuccess: { rejectedSpans } }))).toEqual({ rejected: 0 });
  });

  it("that broke off is no plain yes", () => {
    expect(readAnswer(undefined, parseJsonAnswer).remark).toContain("end");
  });
});
