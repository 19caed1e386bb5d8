import type { Attributes, AttributeValue } from "@opentelemetry/api";
import type { InstrumentationScope } from "@opentelemetry/core";
import type { Resource } from "@opentelemetry/resources";
import { maxShortInteger, type ProtobufBytes } from "./protobuf-bytes.js";

/** Fields by number and type, as the `.proto` files have them: `number << 3 | type`. */
const message = (field: number): number => (field << 3) | 2;
const whole = (field: number): number => field << 3;
const fixed64 = (field: number): number => (field << 3) | 1;
const fixed32 = (field: number): number => (field << 3) | 5;

/** Whether resource and scope are ours to write: all but what they hardly ever have. */
export function isPlainOrigin(resource: Resource, scope: InstrumentationScope): boolean {
  const hasMore = "attributes" in scope || "droppedAttributesCount" in scope;
  return !hasMore && hasPlainValues(resource.attributes);
}

/** No lists, and no numbers that take more than 31 bits. */
export function hasPlainValues(attributes: Attributes): boolean {
  for (const name in attributes) {
    const value = attributes[name];
    if (typeof value === "string" || typeof value === "boolean") continue;
    if (typeof value !== "number") return false;
    if (Number.isInteger(value) && (value < 0 || value > maxShortInteger)) return false;
  }
  return true;
}

/** What is written until `to.end` of what this returns is a field of its own. */
export function beginField(to: ProtobufBytes, field: number): number {
  to.byte(message(field));
  return to.begin();
}

/** What is written between is a field of its own. */
export function within(to: ProtobufBytes, field: number, write: () => void): void {
  const start = beginField(to, field);
  write();
  to.end(start);
}

export function writeResource(to: ProtobufBytes, { attributes }: Resource): void {
  within(to, 1, () => {
    writeAttributes(to, 1, attributes);
    writeWhole(to, 2, 0);
  });
}

export function writeScope(to: ProtobufBytes, { name, version }: InstrumentationScope): void {
  within(to, 1, () => {
    writeText(to, 1, name);
    if (version) writeText(to, 2, version);
  });
}

export function writeAttributes(to: ProtobufBytes, field: number, attributes: Attributes): void {
  for (const name in attributes) {
    const start = beginField(to, field);
    writeText(to, 1, name);
    const valueStart = beginField(to, 2);
    writeValue(to, attributes[name]);
    to.end(valueStart);
    to.end(start);
  }
}

function writeValue(to: ProtobufBytes, value: AttributeValue | undefined): void {
  if (typeof value === "string") writeText(to, 1, value);
  else if (typeof value === "boolean") writeWhole(to, 2, value ? 1 : 0);
  else if (Number.isInteger(value)) writeWhole(to, 3, value as number);
  else {
    to.byte(fixed64(4));
    to.double(value as number);
  }
}

export function writeText(to: ProtobufBytes, field: number, text: string): void {
  to.byte(message(field));
  to.text(text);
}

export function writeWhole(to: ProtobufBytes, field: number, value: number): void {
  to.byte(whole(field));
  to.integer(value);
}

export function writeId(to: ProtobufBytes, field: number, digits: string): void {
  to.byte(message(field));
  to.hex(digits);
}

export function writeTime(to: ProtobufBytes, field: number, time: readonly [number, number]): void {
  to.byte(fixed64(field));
  to.time(time);
}

export function writeDouble(to: ProtobufBytes, field: number, value: number): void {
  to.byte(fixed64(field));
  to.double(value);
}

/** A whole number from 0 to `Number.MAX_SAFE_INTEGER`. */
export function writeFixed64(to: ProtobufBytes, field: number, value: number): void {
  to.byte(fixed64(field));
  to.fixed64(value);
}

export function writeFixed32(to: ProtobufBytes, field: number, value: number): void {
  to.integer(fixed32(field));
  to.fixed32(value);
}
