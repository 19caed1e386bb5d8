/** Encoded as 32 bits at least; beyond, and below zero, whoever asks must do without. */
export const maxShortInteger = 2 ** 31 - 1;

const fractionRange = 2 ** 32;

/** Protocol Buffers written straight into one growing buffer, messages of unknown length included. */
export class ProtobufBytes {
  private length = 0;
  private second = Number.NaN;
  private secondLow = 0;
  private secondHigh = 0;

  constructor(private bytes: Buffer) {}

  get written(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** A whole number from 0 to `maxShortInteger`. */
  integer(value: number): void {
    this.reserve(5);
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) this.bytes[this.length++] = (rest & 0x7f) | 0x80;
    this.bytes[this.length++] = rest;
  }

  double(value: number): void {
    this.reserve(8);
    this.length = this.bytes.writeDoubleLE(value, this.length);
  }

  fixed32(value: number): void {
    this.reserve(4);
    this.length = this.bytes.writeUInt32LE(value, this.length);
  }

  /** Nanoseconds since the epoch, of OpenTelemetry's `[seconds, nanoseconds]`. Thousands of them share a second. */
  time([seconds, nanoseconds]: readonly [number, number]): void {
    if (seconds !== this.second) {
      const product = BigInt(seconds) * 1_000_000_000n;
      this.second = seconds;
      this.secondLow = Number(product & 0xffff_ffffn);
      this.secondHigh = Number((product >> 32n) & 0xffff_ffffn);
    }
    const low = this.secondLow + nanoseconds;
    this.fixed32(low % fractionRange);
    this.fixed32(this.secondHigh + (low < fractionRange ? 0 : 1));
  }

  text(value: string): void {
    this.reserve(1 + value.length);
    if (value.length > 0x7f) {
      this.longText(value);
      return;
    }
    const start = this.length + 1;
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index);
      if (code > 0x7f) {
        this.longText(value);
        return;
      }
      this.bytes[start + index] = code;
    }
    this.bytes[this.length] = value.length;
    this.length = start + value.length;
  }

  /** Bytes given as hexadecimal digits, fewer than 256 of them. */
  hex(digits: string): void {
    const count = digits.length >> 1;
    this.reserve(1 + count);
    this.bytes[this.length++] = count;
    for (let index = 0; index < 2 * count; index += 2) {
      const high = nibble(digits.charCodeAt(index));
      this.bytes[this.length++] = (high << 4) | nibble(digits.charCodeAt(index + 1));
    }
  }

  /** Leaves room for a length; returns what `end` wants. */
  begin(): number {
    this.reserve(1);
    return ++this.length;
  }

  /** Says how long what was written since `begin` is. Most is short; what is not is moved. */
  end(start: number): void {
    const count = this.length - start;
    if (count <= 0x7f) {
      this.bytes[start - 1] = count;
      return;
    }
    const more = count < 2 ** 14 ? 1 : count < 2 ** 21 ? 2 : count < 2 ** 28 ? 3 : 4;
    this.reserve(more);
    this.bytes.copyWithin(start + more, start, this.length);
    const length = this.length + more;
    this.length = start - 1;
    this.integer(count);
    this.length = length;
  }

  private longText(value: string): void {
    const count = Buffer.byteLength(value);
    this.reserve(5 + count);
    this.integer(count);
    this.length += this.bytes.write(value, this.length);
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.length + more));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}

const nibble = (code: number): number => (code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57);
