import { CheckFailure } from "../check.js";

/** What `grpc.health.v1.HealthCheckResponse.ServingStatus` can be, by its number. */
export const servingStatuses = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"] as const;
export type ServingStatus = (typeof servingStatuses)[number];

/** Compressed flag and length, ahead of every message (gRPC over HTTP/2, "Length-Prefixed-Message"). Bytes. */
const prefixBytes = 5;
/** A health answer has two bytes; what comes with it some day has room. */
export const maxMessageBytes = 4_096;
/** All that is read of a response. */
export const maxBodyBytes = prefixBytes + maxMessageBytes;

const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;
const serviceField = 1;
const statusField = 1;

/** The body of a `Health/Check` request: one `HealthCheckRequest`, its `service` left out when empty, as proto3 does. */
export function encodeRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const message =
    name.length === 0
      ? name
      : Buffer.concat([Buffer.from([(serviceField << 3) | wire.bytes, ...varint(name.length)]), name]);
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function varint(value: number): readonly number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

/** The status in the body of a response, which must be one plain message and nothing more. Throws `CheckFailure`. */
export function decodeResponse(body: Buffer): ServingStatus {
  const status = servingStatuses[statusNumber(messageOf(body))];
  if (status === undefined) throw malformed("a serving status that there is none of");
  return status;
}

function messageOf(body: Buffer): Buffer {
  if (body.length < prefixBytes) throw malformed(body.length === 0 ? "no message" : "half a message");
  const flag = body.readUInt8(0);
  if (flag === 1) throw malformed("a compressed message, which nobody asked for");
  if (flag !== 0) throw malformed("no gRPC message");
  const length = body.readUInt32BE(1);
  if (length > maxMessageBytes) throw malformed(`a message of more than ${maxMessageBytes} bytes`);
  const message = body.subarray(prefixBytes);
  if (message.length < length) throw malformed("half a message");
  if (message.length > length) throw malformed("more than one message");
  return message;
}

/** Fields that we do not know are passed over, as protobuf asks; of a repeated one the last counts. */
function statusNumber(message: Buffer): number {
  const reader = new FieldReader(message);
  let status = 0;
  while (!reader.isAtEnd) {
    const key = reader.varint();
    const field = key >> 3n;
    const type = Number(key & 7n);
    if (field === 0n || field > 0x1fff_ffffn) throw malformed("no protobuf");
    if (field !== BigInt(statusField)) reader.skip(type);
    else if (type === wire.varint) status = Number(BigInt.asIntN(32, reader.varint()));
    else throw malformed("another type of message");
  }
  return status;
}

/** Walks over protobuf's wire format; whatever leads past the end is refused. */
class FieldReader {
  private offset = 0;

  constructor(private readonly bytes: Buffer) {}

  get isAtEnd(): boolean {
    return this.offset === this.bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    // Ten groups of seven bits hold the 64 that there can be.
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.bytes[this.offset];
      if (byte === undefined) throw malformed("half a protobuf message");
      this.offset += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw malformed("no protobuf");
  }

  skip(type: number): void {
    if (type === wire.varint) this.varint();
    else if (type === wire.fixed64) this.advance(8n);
    else if (type === wire.fixed32) this.advance(4n);
    else if (type === wire.bytes) this.advance(this.varint());
    else throw malformed("no protobuf");
  }

  private advance(count: bigint): void {
    if (count > BigInt(this.bytes.length - this.offset)) throw malformed("half a protobuf message");
    this.offset += Number(count);
  }
}

function malformed(what: string): CheckFailure {
  return new CheckFailure("protocol", `answered with ${what}`);
}
