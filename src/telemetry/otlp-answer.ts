import type { Answer } from "./delivery.js";

/** What a receiver says in the body of a 2xx (OTLP, "Partial Success"): an empty one is a plain yes, none broke off. */
export function readAnswer(data: Uint8Array | undefined, deserialize: (data: Uint8Array) => unknown): Answer {
  if (data === undefined) return { rejected: 0, remark: "the answer did not come to its end" };
  if (data.length === 0) return { rejected: 0 };
  try {
    return partOf(deserialize(data));
  } catch {
    return { rejected: 0, remark: "the answer is no OTLP; is this a Collector?" };
  }
}

/** Strict, unlike the SDK's own, which takes any text for an empty answer and writes it to the log. */
export const parseJsonAnswer = (data: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(data));

function partOf(answer: unknown): Answer {
  const { partialSuccess } = answer as { partialSuccess?: Readonly<Record<string, unknown>> | null };
  const { rejectedSpans, rejectedDataPoints, rejectedLogRecords, errorMessage } = partialSuccess ?? {};
  const rejected = Number(rejectedSpans ?? rejectedDataPoints ?? rejectedLogRecords ?? 0);
  const remark = typeof errorMessage === "string" && errorMessage !== "" ? errorMessage : undefined;
  return { rejected: rejected > 0 ? rejected : 0, ...(remark !== undefined && { remark }) };
}
