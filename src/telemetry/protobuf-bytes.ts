/** Encoded as 32 bits at least; beyond, and below zero, whoever asks must do without. */
export const maxShortInteger = 2 ** 31 - 1;

const fractionRange = 2 ** 32;

/** Protocol Buffers written straight into one growing buffer, messages of unknown length included. */
export class ProtobufBytes {
  private count = 0;
  /** A point has two times, of which neither need be the other's second. */
  private latest = noSecond;
  private former = noSecond;

  constructor(private bytes: Buffer) {}

  get written(): Uint8Array {
    return this.bytes.subarray(0, this.count);
  }

  get length(): number {
    return this.count;
  }

  /** What others have written, from one of its places to another. */
  copy(from: ProtobufBytes, start: number, end: number): void {
    this.reserve(end - start);
    this.count += from.bytes.copy(this.bytes, this.count, start, end);
  }

  /** Takes back what was written since there were this many bytes. */
  cut(length: number): void {
    this.count = length;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.count++] = value;
  }

  /** A whole number from 0 to `maxShortInteger`. */
  integer(value: number): void {
    this.reserve(5);
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) this.bytes[this.count++] = (rest & 0x7f) | 0x80;
    this.bytes[this.count++] = rest;
  }

  double(value: number): void {
    this.reserve(8);
    this.count = this.bytes.writeDoubleLE(value, this.count);
  }

  fixed32(value: number): void {
    this.reserve(4);
    this.count = this.bytes.writeUInt32LE(value, this.count);
  }

  /** A whole number from 0 to `Number.MAX_SAFE_INTEGER`. */
  fixed64(value: number): void {
    this.fixed32(value % fractionRange);
    this.fixed32(Math.floor(value / fractionRange));
  }

  /** Nanoseconds since the epoch, of OpenTelemetry's `[seconds, nanoseconds]`. Thousands of them share two seconds. */
  time([seconds, nanoseconds]: readonly [number, number]): void {
    if (seconds !== this.latest.seconds) {
      [this.latest, this.former] = [this.former, this.latest];
      if (seconds !== this.latest.seconds) this.latest = wholeSecond(seconds);
    }
    const low = this.latest.low + nanoseconds;
    this.fixed32(low % fractionRange);
    this.fixed32(this.latest.high + (low < fractionRange ? 0 : 1));
  }

  text(value: string): void {
    this.reserve(1 + value.length);
    if (value.length > 0x7f) {
      this.longText(value);
      return;
    }
    const start = this.count + 1;
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index);
      if (code > 0x7f) {
        this.longText(value);
        return;
      }
      this.bytes[start + index] = code;
    }
    this.bytes[this.count] = value.length;
    this.count = start + value.length;
  }

  /** Bytes given as hexadecimal digits, fewer than 256 of them. */
  hex(digits: string): void {
    const count = digits.length >> 1;
    this.reserve(1 + count);
    this.bytes[this.count++] = count;
    for (let index = 0; index < 2 * count; index += 2) {
      const high = nibble(digits.charCodeAt(index));
      this.bytes[this.count++] = (high << 4) | nibble(digits.charCodeAt(index + 1));
    }
  }

  /** Leaves room for a length; returns what `end` wants. */
  begin(): number {
    this.reserve(1);
    return ++this.count;
  }

  /** Says how long what was written since `begin` is. Most is short; what is not is moved. */
  end(start: number): void {
    const count = this.count - start;
    if (count <= 0x7f) {
      this.bytes[start - 1] = count;
      return;
    }
    const more = count < 2 ** 14 ? 1 : count < 2 ** 21 ? 2 : count < 2 ** 28 ? 3 : 4;
    this.reserve(more);
    this.bytes.copyWithin(start + more, start, this.count);
    const length = this.count + more;
    this.count = start - 1;
    this.integer(count);
    this.count = length;
  }

  private longText(value: string): void {
    const count = Buffer.byteLength(value);
    this.reserve(5 + count);
    this.integer(count);
    this.count += this.bytes.write(value, this.count);
  }

  private reserve(more: number): void {
    if (this.count + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.count + more));
    this.bytes.copy(larger, 0, 0, this.count);
    this.bytes = larger;
  }
}

/** Of a second, its nanoseconds since the epoch as two times 32 bits. */
interface WholeSecond {
  readonly seconds: number;
  readonly low: number;
  readonly high: number;
}

const noSecond: WholeSecond = { seconds: Number.NaN, low: 0, high: 0 };

function wholeSecond(seconds: number): WholeSecond {
  const product = BigInt(seconds) * 1_000_000_000n;
  return { seconds, low: Number(product & 0xffff_ffffn), high: Number((product >> 32n) & 0xffff_ffffn) };
}

const nibble = (code: number): number => (code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57);
