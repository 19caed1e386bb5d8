import { CheckFailure } from "../../../src/check.js";
import { grpcKind } from "../../../src/kinds/grpc.js";
import { decodeResponse, servingStatuses } from "../../../src/wire/grpc-message.js";
import { FieldReader } from "../../../src/wire/protobuf-fields.js";
import type { FuzzTarget } from "../fuzz-target.js";
import { startHostileServer, turn } from "../hostile-peer.js";
import { mustHold } from "../invariants.js";

function frame(type: number, flags: number, stream: number, body: readonly number[]): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, Buffer.from(body)]);
}

/** HPACK, a field that is spelled out. */
const field = (name: string, value: string): readonly number[] => [
  0,
  name.length,
  ...Buffer.from(name),
  value.length,
  ...Buffer.from(value),
];
const status200 = 0x88;
const settings = frame(4, 0, 0, []);
const settingsTaken = frame(4, 1, 0, []);
const head = frame(1, 4, 1, [status200, ...field("content-type", "application/grpc")]);
const serving = frame(0, 0, 1, [0, 0, 0, 0, 2, 8, 1]);
const trailers = (code: string, message: string): Buffer =>
  frame(1, 5, 1, [...field("grpc-status", code), ...field("grpc-message", message)]);
const trailersOnly = frame(1, 5, 1, [
  status200,
  ...field("content-type", "application/grpc"),
  ...field("grpc-status", "5"),
]);

/** Once more than the client speaks: its greeting, its call, what it acknowledges. */
const then = Buffer.from(turn.repeat(4));

export const grpcFrames: FuzzTarget = {
  name: "grpc-frames",
  feeds: "HTTP/2 frames of a server, to kind `grpc`",
  seeds: [
    Buffer.concat([settings, settingsTaken, head, serving, trailers("0", ""), then]),
    Buffer.concat([settings, settingsTaken, head, trailers("14", "%E2%80%AE busy"), then]),
    Buffer.concat([settings, trailersOnly, then]),
    Buffer.concat([settings, frame(3, 0, 1, [0, 0, 0, 7]), then]),
    Buffer.concat([settings, frame(7, 0, 0, [0, 0, 0, 0, 0, 0, 0, 11, 104, 105]), then]),
    "HTTP/1.1 400 Bad Request\r\n\r\n",
  ],
  words: [
    settings,
    settingsTaken,
    head,
    serving,
    trailers("16", "no"),
    trailers("x", "\u001b[31m"),
    trailersOnly,
    frame(3, 0, 1, [0, 0, 0, 8]),
    frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]),
    frame(7, 0, 0, [0, 0, 0, 1, 0, 0, 0, 0]),
    frame(8, 0, 0, [0, 0, 0, 0]),
    frame(9, 4, 1, [0x88]),
    frame(5, 4, 1, [0, 0, 0, 2, 0x88]),
    frame(4, 0, 0, [0, 4, 255, 255, 255, 255]),
    turn,
  ],
  maxLength: 4_096,
  runsInTests: 100,
  lanes: 8,
  start: () => startHostileServer({ kind: grpcKind, optionsAt: (port) => ({ address: `127.0.0.1:${port}` }) }),
};

function judgeMessage(input: Buffer): void {
  onlyProtocolFailures(() => mustHold(servingStatuses.includes(decodeResponse(input)), "no status"));
  onlyProtocolFailures(() => {
    const reader = new FieldReader(input);
    while (!reader.isAtEnd) {
      const before = reader.position;
      const { field: number, type } = reader.key();
      mustHold(number > 0 && number < 2 ** 29, `no field number: ${number}`);
      if (type === 2 && number % 2 === 0) mustHold(reader.block().length <= input.length, "more than there is");
      else reader.skip(type);
      mustHold(reader.position > before && reader.position <= input.length, "reads nothing, or past the end");
    }
  });
}

function onlyProtocolFailures(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof CheckFailure) || error.reason !== "protocol") throw error;
  }
}

export const grpcMessage: FuzzTarget = {
  name: "grpc-message",
  feeds: "gRPC's length prefix and protobuf fields",
  seeds: [
    Buffer.from([0, 0, 0, 0, 2, 8, 1]),
    Buffer.from([0, 0, 0, 0, 8, 8, 1, 18, 2, 1, 2, 8, 2]),
    Buffer.from([
      8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0x11, 1, 2, 3, 4, 5, 6, 7, 8, 0x15, 1, 2, 3, 4,
    ]),
  ],
  words: [Buffer.from([0, 0, 0, 0]), Buffer.from([8, 1]), Buffer.from([0x12, 0x80, 0x01]), Buffer.alloc(10, 0xff)],
  maxLength: 8_192,
  runsInTests: 500,
  start: () => ({ judge: judgeMessage }),
};
