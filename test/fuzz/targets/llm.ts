import { CheckFailure } from "../../../src/check.js";
import { llmKind } from "../../../src/kinds/llm.js";
import { eventData } from "../../../src/wire/event-stream.js";
import { chatFacts, embeddingFacts, modelPage, streamFacts } from "../../../src/wire/llm-answer.js";
import { type FuzzTarget, plantedSecret } from "../fuzz-target.js";
import { startHostileServer, turn } from "../hostile-peer.js";
import { mustHold } from "../invariants.js";

const list = '{"object":"list","data":[{"id":"m","object":"model"}]}';
const chat =
  '{"model":"m","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}';
const embedding = '{"model":"m","data":[{"embedding":[0.1,0.2]}],"usage":{"prompt_tokens":3}}';
const stream = [
  ': hello\n\ndata: {"model":"m","choices":[{"delta":{"role":"assistant","content":"h"}}]}\n\n',
  'data: {"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}\r\n\r\n',
  "data: [DONE]\n\n",
].join("");
const refused = `{"error":{"message":"Incorrect API key ${plantedSecret}","type":"x","code":"invalid_api_key"}}`;

function http(status: string, type: string, body: string): string {
  return `HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
const found = http("200 OK", "application/json", list);

const words = [
  "data: ",
  "data:\n\n",
  "[DONE]",
  "\n\n",
  "\r",
  "\r\n",
  "\ufeff",
  '{"choices":[',
  '"delta":{"content":"x"}',
  '"delta":null',
  '"error":{"message":"x"}',
  '"error":true',
  '"finish_reason":"error"',
  '"usage":null',
  '"usage":{"prompt_tokens":1e400}',
  '"model":"\\u001b[31m"',
  '"id":',
  '"has_more":true,"last_id":"m"',
  "null",
  "[[[[",
  '{"__proto__":{"a":1}}',
  "HTTP/1.1 429 x\r\nretry-after: 9999999999\r\n",
  "content-encoding: gzip\r\n",
  "x-ratelimit-remaining-requests: 7\r\n",
  turn,
];

const modes = ["stream", "embeddings", "chat"] as const;
const markOf = { stream: "stream", embeddings: "embedding", chat: "completion" } as const;

export const llm: FuzzTarget = {
  name: "llm",
  feeds: "HTTP answers of an API, to kind `llm` in its four modes",
  seeds: [
    found,
    [found, http("200 OK", "application/json", chat)].join(turn),
    [found, http("200 OK", "application/json", embedding)].join(turn),
    [http("404 Not Found", "text/plain", ""), http("200 OK", "text/event-stream", stream)].join(turn),
    http("401 Unauthorized", "application/json", refused),
    http("429 Too Many Requests", "text/html", "<h1>slow down</h1>"),
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
  ],
  words,
  maxLength: 8_192,
  runsInTests: 60,
  lanes: 8,
  start: () =>
    startHostileServer({
      kind: llmKind,
      loadDriver: () => import("openai"),
      goesOn: true,
      optionsAt: (port, input) => {
        // By its content and not by its length, so that a seed is for one mode.
        const mode = modes.find((each) => input.includes(markOf[each])) ?? "models";
        return {
          baseUrl: `http://127.0.0.1:${port}/v1`,
          apiKey: plantedSecret,
          mode,
          ...(mode !== "models" && { model: "m" }),
        };
      },
    }),
};

async function* cut(input: Buffer, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < input.length; at += length) yield input.subarray(at, at + length);
}

const maxStreamBytes = 4_096;

async function eventsOf(input: Buffer, pieceLength: number): Promise<readonly string[] | "too long"> {
  const events: string[] = [];
  try {
    for await (const data of eventData(cut(input, pieceLength), maxStreamBytes)) events.push(data);
  } catch (error) {
    if (!(error instanceof CheckFailure) || error.reason !== "protocol") throw error;
    return "too long";
  }
  return events;
}

async function* each(events: readonly string[]): AsyncGenerator<string> {
  yield* events;
}

async function judgeStream(input: Buffer): Promise<void> {
  const whole = await eventsOf(input, Math.max(1, input.length));
  for (const length of [1, 3]) {
    const pieces = await eventsOf(input, length);
    mustHold(JSON.stringify(pieces) === JSON.stringify(whole), `other events when cut into pieces of ${length}`);
  }
  if (whole === "too long") return;
  await onlyFailures(() => streamFacts(each(whole), () => 2, 1));
  for (const data of whole) {
    let parsed: unknown = data;
    try {
      parsed = JSON.parse(data);
    } catch {
      // No JSON is an answer as well.
    }
    for (const read of [chatFacts, embeddingFacts, modelPage]) await onlyFailures(() => read(parsed));
  }
}

async function onlyFailures(read: () => unknown): Promise<void> {
  try {
    await read();
  } catch (error) {
    if (!(error instanceof CheckFailure)) throw error;
  }
}

export const eventStream: FuzzTarget = {
  name: "event-stream",
  feeds: "a `text/event-stream`, cut into pieces of any length, and the answers in it",
  seeds: [stream, `data: ${chat}\n\ndata: ${embedding}\n\n`, `data: ${list}\n\ndata: ${refused}\n\n`],
  words,
  maxLength: 6_000,
  runsInTests: 200,
  start: () => ({ judge: judgeStream }),
};
