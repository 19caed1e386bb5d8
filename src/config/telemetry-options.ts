import { z } from "zod";
import { secret } from "../check.js";
import { duration, httpUrl, isHeaderName, isHeaderValue, pemPattern, section, text } from "./option-types.js";

const minute = 60_000;
const pemMessage = "is no PEM text; give the text itself, as `${file:/path/to/file.pem}` does";

const exporterTls = z
  .strictObject({
    ca: z
      .string()
      .regex(pemPattern, pemMessage)
      .describe("Certificates to trust instead of Node's own list, PEM text.")
      .optional(),
    cert: z.string().regex(pemPattern, pemMessage).describe("Our own certificate, PEM text. Needs `key`.").optional(),
    key: secret("The private key of `cert`, PEM text.").regex(pemPattern, pemMessage).optional(),
  })
  .refine((tls) => (tls.cert === undefined) === (tls.key === undefined), "needs `cert` and `key` together, or neither")
  .describe("How an https endpoint is trusted, and what we show it.");

const otlpShape = {
  protocol: z
    .enum(["http/json", "http/protobuf", "grpc"])
    .describe(
      "`http/json` (the default) or `http/protobuf`. gRPC is not spoken: with `grpc` it is `http/json`, and a notice says so.",
    )
    .optional(),
  headers: z
    .record(
      z.string().refine(isHeaderName, "is no header name; use letters, digits and `-`"),
      secret("Sent as it is.").refine(isHeaderValue, "has characters that no header may carry; remove them"),
    )
    .describe("Headers of every request. Merged by name; what is said for one signal wins.")
    .optional(),
  timeout: duration(
    { min: 100, max: 10 * minute },
    "How long one export may take, retries included. Default `10s`.",
  ).optional(),
  compression: z.enum(["none", "gzip"]).describe("How requests are compressed. Default `none`.").optional(),
  tls: exporterTls.optional(),
};

const example = "http://collector:4318";
const signalOtlp = section("What is different for this signal.", {
  endpoint: httpUrl("The full URL for this signal, used as it is.", `${example}/v1/traces`).optional(),
  ...otlpShape,
}).optional();

const enabled = (signal: string) => z.boolean().describe(`Whether ${signal} are exported. Default true.`).optional();

const batch = section("How they are collected before they are sent. Full queues drop, and the drops are counted.", {
  maxQueueSize: z.int().min(1).max(1_000_000).describe("At most this many wait. Default 2048.").optional(),
  maxExportBatchSize: z
    .int()
    .min(1)
    .max(100_000)
    .describe("At most this many in one request, not more than `maxQueueSize`. Default 512.")
    .optional(),
  scheduledDelay: duration(
    { min: 10, max: 10 * minute },
    "The longest wait before what is there is sent. Default `5s` for traces, `1s` for logs.",
  ).optional(),
  exportTimeout: duration({ min: 100, max: 10 * minute }, "When an export is given up. Default `30s`.").optional(),
})
  .refine(
    ({ maxQueueSize = 2_048, maxExportBatchSize = 0 }) => maxExportBatchSize <= maxQueueSize,
    "has a `maxExportBatchSize` above `maxQueueSize` (2048 unless said); write a smaller batch or a larger queue",
  )
  .optional();

/** The attributes that `service` speaks for. */
const serviceAttributes = ["service.name", "service.version", "service.instance.id", "deployment.environment.name"];
const isFree = (key: string): boolean => !serviceAttributes.includes(key);

export const telemetryOptions = section(
  "How telemetry leaves. Without an endpoint none does; `/metrics` works anyway.",
  {
    disabled: z
      .boolean()
      .describe("Nothing is traced or exported; `/metrics` is served all the same. Default false.")
      .optional(),
    diagnostics: z
      .enum(["none", "error", "warn", "info", "debug", "verbose", "all"])
      .describe("How much the OpenTelemetry SDK says about itself in the process log. Default `warn`.")
      .optional(),
    propagate: z
      .boolean()
      .describe("Whether `traceparent` is sent to targets, for all checks. Default true.")
      .optional(),
    resource: z
      .record(
        text("An attribute's name.").refine(isFree, "belongs to `service`; write it there"),
        z.union([z.string(), z.number(), z.boolean()]),
      )
      .describe("Further resource attributes, on everything that is exported.")
      .optional(),
    otlp: section("The OTLP endpoint of all signals.", {
      endpoint: httpUrl("The base URL; `/v1/traces`, `/v1/metrics` and `/v1/logs` are appended.", example).optional(),
      ...otlpShape,
    }).optional(),
    traces: section("One trace a run.", {
      enabled: enabled("traces"),
      successRatio: z
        .number()
        .min(0)
        .max(1)
        .describe(
          "Share of healthy, unchanged runs whose trace is kept. Failing and changing ones always are. Default 1.",
        )
        .optional(),
      phases: z
        .boolean()
        .describe("Child spans for the phases of a call: `dns`, `connect`, `tls`, `ttfb`. Default false.")
        .optional(),
      otlp: signalOtlp,
      batch,
    }).prefault({}),
    metrics: section("The series that `/metrics` has too.", {
      enabled: enabled("metrics"),
      interval: duration({ min: 1_000, max: 60 * minute }, "The time between two exports. Default `10s`.").optional(),
      timeout: duration(
        { min: 100, max: 60 * minute },
        "When an export is given up, not above `interval`. Default `30s` or the interval.",
      ).optional(),
      temporality: z
        .enum(["cumulative", "delta", "lowmemory"])
        .describe("What a point counts from. Prometheus needs `cumulative`. Default `cumulative`.")
        .optional(),
      otlp: signalOtlp,
    })
      .refine(
        ({ interval = 10_000, timeout = 0 }) => timeout <= interval,
        "has a `timeout` above its `interval` (10s unless said); write a shorter one",
      )
      .prefault({}),
    logs: section("State changes, as log records with an event name.", {
      enabled: enabled("logs"),
      otlp: signalOtlp,
      batch,
    }).prefault({}),
  },
);
