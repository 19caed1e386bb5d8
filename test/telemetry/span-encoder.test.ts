import { type Attributes, SpanKind, SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-node";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { serializeBy } from "../../src/telemetry/exporter-inside.js";
import { type EncodeSpans, SpanEncoder } from "../../src/telemetry/span-encoder.js";

const resource = resourceFromAttributes({ "service.name": "s", "process.pid": 17 });
const scope = { name: "healthspan", version: "1.2.3" };

const digits = (length: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length });
const text = fc.oneof(fc.string({ unit: "binary", maxLength: 300 }), fc.string({ maxLength: 20 }));
const plain = fc.oneof(
  text,
  fc.boolean(),
  fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  fc.double().filter((value) => !Number.isInteger(value)),
);
const odd = fc.oneof(
  fc.integer({ max: -1 }),
  fc.integer({ min: 2 ** 31, max: 2 ** 40 }),
  fc.array(text),
  fc.constant(2 ** 64),
);
const time = fc.tuple(fc.integer({ min: 0, max: 2 ** 33 }), fc.integer({ min: 0, max: 999_999_999 }));
const count = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 70_000 }));

const spanOf = (value: fc.Arbitrary<unknown>): fc.Arbitrary<ReadableSpan> =>
  fc
    .record({
      traceId: digits(32),
      spanId: digits(16),
      traceFlags: fc.constant(TraceFlags.SAMPLED),
      parent: fc.option(fc.record({ spanId: digits(16), isRemote: fc.boolean() }), { nil: undefined }),
      name: text,
      kind: fc.constantFrom(SpanKind.INTERNAL, SpanKind.CLIENT),
      startTime: time,
      endTime: time,
      attributes: fc.dictionary(text, value, { maxKeys: 12 }),
      code: fc.constantFrom(SpanStatusCode.UNSET, SpanStatusCode.OK, SpanStatusCode.ERROR),
      message: fc.option(text, { nil: undefined }),
      droppedAttributesCount: count,
      droppedEventsCount: count,
      droppedLinksCount: count,
    })
    .map(({ traceId, spanId, traceFlags, parent, code, message, attributes, ...rest }) => ({
      ...rest,
      spanContext: () => ({ traceId, spanId, traceFlags }),
      ...(parent && { parentSpanContext: { ...parent, traceId, traceFlags } }),
      status: { code, ...(message !== undefined && { message }) },
      attributes: attributes as Attributes,
      duration: [0, 0],
      ended: true,
      links: [],
      events: [],
      resource,
      instrumentationScope: scope,
    }));

let stock: EncodeSpans = () => undefined;
serializeBy<ReadableSpan[]>(new OTLPTraceExporter(), (own) => {
  stock = own;
  return own;
});

const encode = (spans: readonly ReadableSpan[], fallback: EncodeSpans): Buffer => {
  const encoder = new SpanEncoder(fallback);
  return Buffer.from(encoder.request(spans.map((span) => encoder.encoded(span))) ?? []);
};
const refuse: EncodeSpans = () => {
  throw new Error("was left to the stock serializer");
};

describe("spans on their way out", () => {
  it("are encoded byte for byte as the exporters' own serializer does", () => {
    fc.assert(
      fc.property(fc.array(spanOf(plain), { minLength: 1, maxLength: 20 }), (spans) => {
        const expected = Buffer.from(stock(spans) ?? []);
        expect(expected.length).toBeGreaterThan(0);
        expect(encode(spans, refuse).equals(expected)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it("keep no more of a span than its bytes", () => {
    const [span] = fc.sample(spanOf(plain), { numRuns: 1, seed: 1 }) as [ReadableSpan];
    const encoder = new SpanEncoder(refuse);
    const waiting = encoder.encoded(span);
    const expected = Buffer.from(stock([span]) ?? []);
    (span.attributes as Attributes).late = "said after its end";
    expect(Buffer.from(encoder.request([waiting]) ?? []).equals(expected)).toBe(true);
    expect(waiting.spanContext().traceFlags).toBe(TraceFlags.SAMPLED);
    expect(waiting.resource).toBe(resource);
  });

  it("fill one page after another, and none is lost at a page's end", () => {
    const spans = fc.sample(spanOf(plain), { numRuns: 1_500, seed: 2 });
    const expected = Buffer.from(stock(spans) ?? []);
    expect(expected.length).toBeGreaterThan(4 * 65_536);
    expect(encode(spans, refuse).equals(expected)).toBe(true);
  });

  it("are sent together with what is not ours to encode", () => {
    const [span, other] = fc.sample(spanOf(plain), { numRuns: 2, seed: 1 }) as [ReadableSpan, ReadableSpan];
    const context = span.spanContext();
    const traceState = { serialize: () => "a=b" } as never;
    const strange: readonly ReadableSpan[] = [
      ...fc.sample(spanOf(plain), 1).map((one) => ({ ...one, links: [{ context }] })),
      { ...span, events: [{ name: "e", time: [0, 0] }] },
      { ...span, spanContext: () => ({ ...context, traceState }) },
      { ...span, spanContext: () => ({ ...context, traceFlags: TraceFlags.NONE }) },
      { ...span, resource: resourceFromAttributes({ odd: -1 }) },
      { ...span, instrumentationScope: { name: "another", attributes: {} } as never },
      ...fc.sample(odd, 20).map((value) => ({ ...span, attributes: { value } as Attributes })),
    ];
    for (const one of strange) {
      const left: ReadableSpan[][] = [];
      const bytes = encode([other, one, span], (spans) => {
        left.push(spans);
        return stock(spans);
      });
      expect(left).toEqual([[one]]);
      expect(bytes.equals(Buffer.concat([stock([other, span]) ?? [], stock([one]) ?? []].map(Buffer.from)))).toBe(true);
    }
  });

  it("of several resources or scopes go in one request, each under its own", () => {
    const [first, second, third] = fc.sample(spanOf(plain), { numRuns: 3, seed: 3 }) as [
      ReadableSpan,
      ReadableSpan,
      ReadableSpan,
    ];
    const elsewhere = { ...second, resource: resourceFromAttributes({ "service.name": "other" }) };
    const scoped = { ...third, instrumentationScope: { name: "another" } };
    const apart = [[first], [elsewhere], [scoped]].map((spans) => Buffer.from(stock(spans) ?? []));
    expect(encode([first, elsewhere, scoped], refuse).equals(Buffer.concat(apart))).toBe(true);
  });

  it("are none where there are none", () => {
    expect(encode([], () => undefined).length).toBe(0);
  });
});
