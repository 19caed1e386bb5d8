import { describe, expect, it } from "vitest";
import { negotiate } from "../../src/telemetry/exposition-format.js";

const prometheus2 =
  "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
const prometheus3 =
  "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
const protobufFirst =
  "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

describe("the format of an exposition", () => {
  it.each([
    [undefined, "text"],
    ["", "text"],
    ["*/*", "text"],
    ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text"],
    [prometheus2, "openmetrics"],
    [prometheus3, "openmetrics"],
    [protobufFirst, "text"],
    ["application/openmetrics-text", "openmetrics"],
    ["application/openmetrics-text; version=1.0.0; charset=utf-8", "openmetrics"],
    ['Application/OpenMetrics-Text; Version="1.0.0"', "openmetrics"],
    ["application/openmetrics-text; version=2.0.0", "text"],
    ["application/openmetrics-text; version=0.0.1", "text"],
    ["application/openmetrics-text;q=0.2, text/plain;q=0.9", "text"],
    ["text/plain;q=0.2, application/openmetrics-text;q=0.9", "openmetrics"],
    ["application/openmetrics-text;q=0, */*", "text"],
    ["application/openmetrics-text, text/plain", "text"],
    ["application/openmetrics-text, */*", "openmetrics"],
    ["application/*", "openmetrics"],
    ["text/plain;q=0, */*;q=0.5", "openmetrics"],
    ["application/openmetrics-text;q=garbage", "text"],
    [";;;,,,q=", "text"],
    ["application/json", "text"],
  ])("for %s is %s", (accept, format) => {
    expect(negotiate(accept)).toBe(format);
  });
});
