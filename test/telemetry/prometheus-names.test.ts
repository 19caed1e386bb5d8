import { describe, expect, it } from "vitest";
import { descriptors } from "../../src/signals/descriptors.js";
import { familyName, labelName } from "../../src/telemetry/prometheus-names.js";

describe("Prometheus names", () => {
  it.each([
    ["health.check.duration", "s", "histogram", "health_check_duration_seconds", "seconds"],
    ["health.check.last_success", "s", "gauge", "health_check_last_success_seconds", "seconds"],
    ["health.redis.memory", "By", "gauge", "health_redis_memory_bytes", "bytes"],
    ["health.system.memory.utilization", "1", "gauge", "health_system_memory_utilization_ratio", "ratio"],
    ["health.check.runs", "{run}", "counter", "health_check_runs", undefined],
    ["health.check.status", "", "gauge", "health_check_status", undefined],
    ["health.http.status_code", "", "gauge", "health_http_status_code", undefined],
    ["health.postgres.uptime.seconds", "s", "gauge", "health_postgres_uptime_seconds", "seconds"],
    ["requests.total", "", "counter", "requests", undefined],
    ["cache.hits", "1", "counter", "cache_hits", undefined],
    ["net.io", "By/s", "gauge", "net_io_bytes_per_second", "bytes_per_second"],
    ["cert.left", "d", "gauge", "cert_left_days", "days"],
    ["used", "%", "gauge", "used_percent", "percent"],
    ["a..b--c", "", "gauge", "a_b_c", undefined],
    ["2xx", "", "counter", "_2xx", undefined],
    ["disk.usage", "furlong", "gauge", "disk_usage_furlong", "furlong"],
  ] as const)("%s in %s as a %s is %s", (name, unit, type, base, suffix) => {
    expect(familyName(name, unit, type)).toEqual({ base, unit: suffix });
  });

  it.each([
    ["health.check.name", "health_check_name"],
    ["http.response.status_code", "http_response_status_code"],
    ["1st", "key_1st"],
    ["_private", "key_private"],
    ["__meta", "__meta"],
    ["héalth", "h_alth"],
  ])("the label of %s is %s", (key, name) => {
    expect(labelName(key)).toBe(name);
  });

  it("gives each of our own metrics a name of its own", () => {
    const names = Object.values(descriptors).map(({ name, unit }) => familyName(name, unit, "gauge").base);
    expect(new Set(names).size).toBe(names.length);
  });
});
