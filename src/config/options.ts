import { z } from "zod";
import { intervalBounds, labels, thresholds, timeoutBounds } from "../check/policy-limits.js";
import { secret } from "../check.js";
import { duration, section, text } from "./option-types.js";
import { telemetryOptions } from "./telemetry-options.js";

const hour = 3_600_000;

/** Safe in a URL path, a metric label and a shell. */
const checkNamePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;

const serviceOptions = section("Who is reporting.", {
  name: text("`service.name` of everything exported. Default `healthspan`.").optional(),
  version: text("`service.version`, and the report's `version`.").optional(),
  environment: text("`deployment.environment.name`, such as `production`.").optional(),
  instance: text("`service.instance.id`. Default `hostname:port`, stable over restarts.").optional(),
});

const serverOptions = section("The HTTP endpoints.", {
  host: text("The address to listen on; `0.0.0.0` for all, as a container needs.").default("127.0.0.1"),
  port: z.int().min(0).max(65_535).default(9464).describe("The port to listen on; 0 lets the system choose."),
  token: secret(
    "Bearer token (or Basic password) that shows details. Without one only a loopback peer sees them.",
  ).optional(),
  metricsToken: secret("Bearer token that `/metrics` asks for. Without one it is open.").optional(),
  details: z
    .enum(["always", "authorized", "never"])
    .default("authorized")
    .describe("Who sees the checks behind the verdict."),
  trustLoopback: z
    .boolean()
    .default(true)
    .describe(
      "Whether a peer on the same host sees details without a token. Turn it off behind a proxy on the same host, and in a container.",
    ),
  readiness: z
    .enum(["dependencies", "agent"])
    .default("dependencies")
    .describe(
      "What `/readyz` stands for: the critical checks, or (for an agent that watches a fleet) the agent itself.",
    ),
  drainDelay: duration(
    { min: 0, max: hour },
    "How long traffic is still served after SIGTERM, readiness already being false.",
  ).prefault("5s"),
  traceUrl: text("Where a trace can be looked at; `{traceId}` is replaced.", 2_048)
    .refine(
      (url) => /^https?:\/\//i.test(url) && URL.canParse(url) && url.includes("{traceId}"),
      "is no URL with a `{traceId}` in it; write one such as `https://grafana/explore?trace={traceId}`",
    )
    .optional(),
});

const sharedShape = {
  interval: duration(intervalBounds, "The time between two runs.").optional(),
  timeout: duration(timeoutBounds, "The deadline of a run, not above `interval`.").optional(),
  failingInterval: duration(
    intervalBounds,
    "The time between two runs while the check fails; not below `timeout`, not above `interval`. Default `5s`.",
  ).optional(),
  failureThreshold: z
    .int()
    .min(1)
    .max(1_000)
    .describe("Worse results in a row that move the state; the first result counts at once. Default 2.")
    .optional(),
  successThreshold: z
    .int()
    .min(1)
    .max(1_000)
    .describe("Better results in a row that move it back. Default 1.")
    .optional(),
  thresholds: thresholds.optional(),
  owner: text("Who looks after it.").optional(),
  runbook: text("Where what to do is written, a URL.", 2_048).optional(),
  labels: labels.optional(),
};

const defaultsOptions = section("What holds for every check that does not say otherwise.", sharedShape);

/** What every check has, whatever its kind. */
export const checkOptions = section("One check.", {
  name: z
    .string()
    .regex(
      checkNamePattern,
      "is no check name; write letters, digits, `_`, `-` and `.`, at most 63, a letter or digit first",
    )
    .describe("Unique; it is in URLs, metrics and alerts."),
  kind: z.string().describe("What is checked, and how."),
  critical: z.boolean().describe("Whether the service is unhealthy without it. Default false.").optional(),
  enabled: z.boolean().default(true).describe("`false` keeps the check in the file and leaves it out of the run."),
  description: text("What it is, for people.", 1_024).optional(),
  ...sharedShape,
});
export type CheckOptions = z.output<typeof checkOptions>;
export type DefaultsOptions = z.output<typeof defaultsOptions>;

const concurrencyOptions = section("How many runs there may be at one time.", {
  max: z
    .int()
    .min(1)
    .max(10_000)
    .default(256)
    .describe("In each of two pools: checks that are well, and checks that fail or hang."),
  perKind: z
    .record(z.string(), z.int().min(1).max(10_000))
    .default({})
    .describe("At most this many of one kind: `{ llm: 2 }`."),
});

const maxShards = 1_000;

const shardOptions = section("Which part of the checks this agent runs, when several agents share one config.", {
  index: z
    .int()
    .min(0)
    .max(maxShards - 1)
    .describe("Which of the agents this one is, counted from 0: the number of a StatefulSet's pod."),
  of: z.int().min(1).max(maxShards).describe("How many agents share the checks."),
}).superRefine(({ index, of }, context) => {
  if (index < of || of < 1) return;
  const mend = of === 1 ? "write 0" : `write 0 to ${of - 1}, or a greater \`of\``;
  context.addIssue({
    code: "custom",
    message: `is not below \`of\`, so that it would run nothing; ${mend}`,
    path: ["index"],
  });
});

/** A whole file, but for what depends on the kind of a check. */
export const fileOptions = z.strictObject({
  service: serviceOptions.prefault({}),
  server: serverOptions.prefault({}),
  telemetry: telemetryOptions.prefault({}),
  defaults: defaultsOptions.prefault({}),
  concurrency: concurrencyOptions.prefault({}),
  shard: shardOptions.optional(),
  checks: z.array(z.unknown()).default([]).describe("What is checked."),
});
export type FileOptions = z.output<typeof fileOptions>;
