import { describe, expect, it } from "vitest";
import { decodeResponse, encodeRequest } from "../../src/wire/grpc-message.js";

const framed = (...message: readonly number[]) => Buffer.from([0, 0, 0, 0, message.length, ...message]);
const ones = (count: number) => Array<number>(count).fill(0xff);

describe("a request", () => {
  it("of the server itself is an empty message", () => {
    expect([...encodeRequest("")]).toEqual([0, 0, 0, 0, 0]);
  });

  it("names its service in field 1, in UTF-8", () => {
    expect([...encodeRequest("dé")]).toEqual([0, 0, 0, 0, 5, 0x0a, 3, 0x64, 0xc3, 0xa9]);
  });

  it("says a length of more than seven bits as a varint", () => {
    const bytes = encodeRequest("x".repeat(300));
    expect([...bytes.subarray(0, 8)]).toEqual([0, 0, 0, 1, 47, 0x0a, 0xac, 0x02]);
    expect(bytes).toHaveLength(5 + 303);
  });
});

describe("a response", () => {
  it.each([
    ["UNKNOWN", [0x08, 0]],
    ["UNKNOWN", []],
    ["SERVING", [0x08, 1]],
    ["NOT_SERVING", [0x08, 2]],
    ["SERVICE_UNKNOWN", [0x08, 3]],
    ["SERVING", [0x08, 2, 0x08, 1]],
    ["SERVING", [0x08, 0x81, 0x80, 0]],
  ])("%s is %j", (status, message) => {
    expect(decodeResponse(framed(...message))).toBe(status);
  });

  it("may hold fields that we do not know, of every type", () => {
    const unknown = [0x10, 0xff, 1, 0x19, ...ones(8), 0x22, 2, 8, 2, 0x2d, ...ones(4), 0xa2, 0x06, 0];
    expect(decodeResponse(framed(...unknown, 0x08, 1, ...unknown))).toBe("SERVING");
  });

  it.each([
    ["no message", []],
    ["half a message", [0, 0, 0]],
    ["half a message", [0, 0, 0, 0, 2, 8]],
    ["more than one message", [0, 0, 0, 0, 2, 8, 1, 0, 0, 0, 0, 2, 8, 1]],
    ["a compressed message", [1, 0, 0, 0, 2, 8, 1]],
    ["no gRPC message", [2, 0, 0, 0, 2, 8, 1]],
    ["a message of more than 4096 bytes", [0, 0, 0, 0x10, 1, 8, 1]],
    ["a message of more than 4096 bytes", [0, 255, 255, 255, 255, 8, 1]],
    ["half a protobuf message", [...framed(0x08)]],
    ["half a protobuf message", [...framed(0x08, 0x81)]],
    ["half a protobuf message", [...framed(0x12, 9, 1)]],
    ["half a protobuf message", [...framed(0x19, 1)]],
    ["half a protobuf message", [...framed(0x12, ...ones(9), 1)]],
    ["another type of message", [...framed(0x0a, 1, 1)]],
    ["no protobuf", [...framed(0x08, ...ones(10), 1)]],
    ["another type of message", [...framed(0x0b, 0x0c)]],
    ["no protobuf", [...framed(0x13, 0x14)]],
    ["no protobuf", [...framed(0x02, 0)]],
    ["a serving status that there is none of", [...framed(0x08, 4)]],
    ["a serving status that there is none of", [...framed(0x08, ...ones(9), 1)]],
  ])("is refused as %s: %j", (words, body) => {
    expect(() => decodeResponse(Buffer.from(body))).toThrow(
      expect.objectContaining({ reason: "protocol", message: expect.stringContaining(words) }),
    );
  });

  it("of any bytes is a status or a failure of ours, never another error", () => {
    // Park and Miller's generator: the same bytes in every run.
    let seed = 42;
    const byte = () => {
      seed = (seed * 48_271) % 0x7fff_ffff;
      return seed & 0xff;
    };
    let refused = 0;
    for (let round = 0; round < 5_000; round++) {
      try {
        decodeResponse(framed(...Array.from({ length: round % 40 }, byte)));
      } catch (error) {
        expect(error).toMatchObject({ name: "CheckFailure", reason: "protocol" });
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(1_000);
  });
});
