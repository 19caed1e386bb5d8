import { describe, expect, it } from "vitest";
import type { LoadOptions } from "../../src/config/load-config.js";
import { configOf, loadText } from "./load.js";

type Env = NonNullable<LoadOptions["env"]>;
const loadEnv = (env: Env, text = "checks: [{ name: a, kind: host }]", files = {}) =>
  configOf(loadText(text, env, files));
const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318/base/" };

describe("OTLP export", () => {
  it("is off without an endpoint, and says so once", () => {
    const { telemetry, notices } = loadEnv({});
    expect(telemetry.traces ?? telemetry.metrics ?? telemetry.logs).toBeUndefined();
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain("OTLP export is off");
  });

  it("appends the signal's path to the general endpoint and uses a signal's own as it is", () => {
    const { telemetry, notices } = loadEnv({ ...endpoint, OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "https://logs/x" });
    expect(telemetry.traces?.otlp.endpoint).toBe("http://collector:4318/base/v1/traces");
    expect(telemetry.metrics?.otlp.endpoint).toBe("http://collector:4318/base/v1/metrics");
    expect(telemetry.logs?.otlp.endpoint).toBe("https://logs/x");
    expect(notices).toEqual([]);
  });

  it("has the defaults of the contract", () => {
    const { telemetry } = loadEnv(endpoint);
    const otlp = { protocol: "http/json", headers: {}, timeoutMs: 10_000, compression: "none" };
    const batch = { maxQueueSize: 2_048, maxExportBatchSize: 512, exportTimeoutMs: 30_000 };
    expect(telemetry).toMatchObject({
      disabled: false,
      diagnostics: "warn",
      propagate: true,
      traces: { otlp, successRatio: 1, phases: false, batch: { ...batch, scheduledDelayMs: 5_000 } },
      metrics: { otlp, intervalMs: 10_000, timeoutMs: 10_000, temporality: "cumulative" },
      logs: { otlp, batch: { ...batch, scheduledDelayMs: 1_000 } },
    });
  });

  it("prefers the file to the environment, for each setting, though the environment says it for one signal", () => {
    const text = "telemetry: { otlp: { endpoint: 'http://file:4318', timeout: 3s } }";
    const env = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://env/x", OTEL_EXPORTER_OTLP_COMPRESSION: "gzip" };
    const { telemetry, origins } = loadEnv(env, text);
    expect(telemetry.traces?.otlp).toMatchObject({
      endpoint: "http://file:4318/v1/traces",
      timeoutMs: 3_000,
      compression: "gzip",
    });
    expect(origins.get("telemetry.traces.otlp.endpoint")).toBe("healthspan.yaml:1");
    expect(origins.get("telemetry.traces.otlp.compression")).toBe("OTEL_EXPORTER_OTLP_COMPRESSION");
  });

  it("prefers what is said for one signal to what is said for all, in a file", () => {
    const text =
      "telemetry: { otlp: { endpoint: 'http://all', timeout: 3s }, logs: { otlp: { endpoint: 'http://one/x', timeout: 4s } } }";
    const { telemetry } = loadEnv({}, text);
    expect(telemetry.logs?.otlp).toMatchObject({ endpoint: "http://one/x", timeoutMs: 4_000 });
    expect(telemetry.traces?.otlp).toMatchObject({ endpoint: "http://all/v1/traces", timeoutMs: 3_000 });
  });

  it("merges headers by name, percent-decoded, and keeps their values secret", () => {
    const env = {
      ...endpoint,
      OTEL_EXPORTER_OTLP_HEADERS: "Authorization=Bearer%20abc, x-tenant=one",
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: "x-tenant=two",
    };
    const { telemetry, secrets } = loadEnv(env, "telemetry: { otlp: { headers: { X-Team: me } } }");
    expect(telemetry.traces?.otlp.headers).toEqual({ authorization: "Bearer abc", "x-tenant": "two", "x-team": "me" });
    expect(telemetry.logs?.otlp.headers["x-tenant"]).toBe("one");
    expect(secrets).toEqual(expect.arrayContaining(["Bearer abc", "two", "me"]));
    const byFile = loadEnv(env, "telemetry: { otlp: { headers: { X-Tenant: three } } }").telemetry;
    expect(byFile.traces?.otlp.headers["x-tenant"]).toBe("three");
  });

  it.each([
    ["grpc", { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }],
    ["port 4317", { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4317" }],
  ])("says 4318 when asked for %s", (_name, env) => {
    const { telemetry, warnings } = loadEnv(env);
    expect(telemetry.traces?.otlp.protocol).toBe("http/json");
    expect(warnings.filter((notice) => notice.includes("4318"))).toHaveLength(1);
  });

  it("reads certificates from the files that are named", () => {
    const pem = "-----BEGIN CERTIFICATE-----";
    const env = {
      ...endpoint,
      OTEL_EXPORTER_OTLP_CERTIFICATE: "/ca.pem",
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: "/cert.pem",
      OTEL_EXPORTER_OTLP_CLIENT_KEY: "/key.pem",
    };
    const key = "-----BEGIN PRIVATE KEY-----";
    const { telemetry, secrets } = loadEnv(env, "checks: []", { "/ca.pem": pem, "/cert.pem": pem, "/key.pem": key });
    expect(telemetry.logs?.otlp.tls).toEqual({ ca: pem, cert: pem, key });
    expect(secrets).toContain(key);
  });

  it("passes over a certificate that is no PEM text, with which every export would fail", () => {
    const env = { ...endpoint, OTEL_EXPORTER_OTLP_CERTIFICATE: "/ca.der" };
    const { telemetry, warnings } = loadEnv(env, "checks: []", { "/ca.der": "0\u0082" });
    expect(telemetry.logs?.otlp.tls).toBeUndefined();
    expect(warnings).toContain("OTEL_EXPORTER_OTLP_CERTIFICATE names a file that holds no PEM text and is ignored");
  });

  it.each(["OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER"])(
    "leaves one signal out by %s",
    (name) => {
      const { telemetry } = loadEnv({ ...endpoint, [name]: "none" });
      const signals = ["traces", "metrics", "logs"] as const;
      expect(signals.filter((signal) => telemetry[signal] === undefined)).toEqual([name.split("_")[1]?.toLowerCase()]);
    },
  );

  it("says nothing about the Prometheus exporter, which is always there, and something about an unknown one", () => {
    expect(loadEnv({ ...endpoint, OTEL_METRICS_EXPORTER: "otlp,prometheus" }).notices).toEqual([]);
    expect(loadEnv({ ...endpoint, OTEL_TRACES_EXPORTER: "zipkin" }).warnings[0]).toContain("OTEL_TRACES_EXPORTER");
  });

  it("is disabled as a whole by OTEL_SDK_DISABLED", () => {
    const { telemetry, notices } = loadEnv({ ...endpoint, OTEL_SDK_DISABLED: "TRUE" });
    expect(telemetry.disabled).toBe(true);
    expect(telemetry.traces).toBeUndefined();
    expect(notices).toEqual(["telemetry is disabled: nothing is traced or exported; /metrics is served all the same"]);
  });
});

describe("the standard environment", () => {
  it.each([
    [{ OTEL_TRACES_SAMPLER: "always_on" }, 1],
    [{ OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.25" }, 0.25],
    [{ OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0" }, 0],
    [{ OTEL_TRACES_SAMPLER: "traceidratio" }, 1],
    [{ OTEL_TRACES_SAMPLER: "always_off" }, undefined],
    [{ OTEL_TRACES_SAMPLER: "parentbased_always_off" }, undefined],
  ])("samples by %o", (env, ratio) => {
    expect(loadEnv({ ...endpoint, ...env }).telemetry.traces?.successRatio).toBe(ratio);
  });

  it("sets batches, intervals and temporality", () => {
    const { telemetry } = loadEnv({
      ...endpoint,
      OTEL_BSP_MAX_QUEUE_SIZE: "100",
      OTEL_BSP_SCHEDULE_DELAY: "50",
      OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: "7",
      OTEL_BLRP_EXPORT_TIMEOUT: "900",
      OTEL_METRIC_EXPORT_INTERVAL: "5000",
      OTEL_METRIC_EXPORT_TIMEOUT: "4000",
      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: "LowMemory",
      OTEL_EXPORTER_OTLP_TIMEOUT: "1500",
    });
    expect(telemetry.traces?.batch).toMatchObject({ maxQueueSize: 100, maxExportBatchSize: 100, scheduledDelayMs: 50 });
    expect(telemetry.logs?.batch).toMatchObject({ maxExportBatchSize: 7, exportTimeoutMs: 900 });
    expect(telemetry.metrics).toMatchObject({ intervalMs: 5_000, timeoutMs: 4_000, temporality: "lowmemory" });
    expect(telemetry.traces?.otlp.timeoutMs).toBe(1_500);
  });

  it("names the service and its resource, the file first", () => {
    const env = {
      OTEL_SERVICE_NAME: "by-variable",
      OTEL_RESOURCE_ATTRIBUTES:
        "service.name=by-attribute,service.version=1,service.instance.id=i,deployment.environment=prod,team=a%2Cb",
    };
    const byEnv = loadEnv(env);
    expect(byEnv.service).toEqual({ name: "by-variable", version: "1", instance: "i", environment: "prod" });
    expect(byEnv.telemetry.resource).toEqual({
      "service.name": "by-variable",
      "service.version": "1",
      "service.instance.id": "i",
      "deployment.environment.name": "prod",
      team: "a,b",
    });
    const text = "service: { name: by-file }\ntelemetry: { resource: { team: c, zone: 3 } }";
    const byFile = loadEnv(env, text);
    expect(byFile.telemetry.resource).toMatchObject({ "service.name": "by-file", team: "c", zone: 3 });
    expect(byFile.origins.get("service.name")).toBe("healthspan.yaml:1");
    expect(byFile.origins.get("service.version")).toBe("OTEL_RESOURCE_ATTRIBUTES");
  });

  it("discards all resource attributes for one that cannot be read", () => {
    const { telemetry, warnings } = loadEnv({ OTEL_RESOURCE_ATTRIBUTES: "a=1,b=%zz" });
    expect(telemetry.resource).not.toHaveProperty("a");
    expect(warnings[0]).toContain("OTEL_RESOURCE_ATTRIBUTES cannot be read");
  });

  it("propagates only where tracecontext is among the propagators", () => {
    expect(loadEnv({ OTEL_PROPAGATORS: "baggage, tracecontext" }).telemetry.propagate).toBe(true);
    expect(loadEnv({ OTEL_PROPAGATORS: "b3" }).telemetry.propagate).toBe(false);
    expect(loadEnv({ OTEL_PROPAGATORS: "none" }, "telemetry: { propagate: true }").telemetry.propagate).toBe(true);
  });

  it.each([
    { OTEL_CONFIG_FILE: "/x.yaml" },
    { OTEL_SDK_DISABLED: "perhaps" },
    { OTEL_LOG_LEVEL: "loud" },
    { OTEL_TRACES_SAMPLER: "jaeger_remote" },
    { OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "2" },
    { OTEL_BSP_MAX_QUEUE_SIZE: "-1" },
    { OTEL_METRIC_EXPORT_INTERVAL: "soon" },
    { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "collector:4318" },
    { OTEL_EXPORTER_OTLP_PROTOCOL: "carrier-pigeon" },
    { OTEL_EXPORTER_OTLP_HEADERS: "a b=c" },
    { OTEL_EXPORTER_OTLP_HEADERS: "nonsense" },
    { OTEL_EXPORTER_OTLP_CERTIFICATE: "/none.pem" },
    { OTEL_EXPORTER_OTLP_CLIENT_KEY: "/none.pem" },
  ])("says what cannot be followed and passes it over: %o", (env) => {
    const { warnings } = loadEnv({ ...endpoint, ...env });
    const name = Object.keys(env).at(-1) ?? "";
    expect(warnings.length).toBeGreaterThan(0);
    expect(warnings.every((notice) => notice.includes(name))).toBe(true);
  });

  it("counts an empty variable as unset", () => {
    const { warnings, telemetry } = loadEnv({ ...endpoint, OTEL_TRACES_SAMPLER: "", OTEL_LOG_LEVEL: " " });
    expect(warnings).toEqual([]);
    expect(telemetry.diagnostics).toBe("warn");
  });
});
