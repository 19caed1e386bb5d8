import type { FigureName } from "./figures.js";

/**
 * Peers that were measured before and elsewhere, in the same manner (one core unless said, the same loads, a target that
 * closes every connection), at the releases that this names. For who has none of them at hand.
 */
export const elsewhere = {
  conditions: "2 cores (Intel Xeon, a virtual machine), 24 GB, Linux 6.18; windows of 20 to 45 s",
  systems: [
    {
      name: "cloudprober",
      label: "Cloudprober 0.14.4",
      figures: {
        "http-200-1s": { cpuPercent: 8.3, usPerProbe: 416, rssMb: 65, p50: 0.3, p95: 1, p99: 2, max: 7.5, missed: 0 },
        "http-1000-1s": {
          cpuPercent: 20.8,
          usPerProbe: 208,
          rssMb: 89,
          p50: 0.4,
          p95: 2.6,
          p99: 9.4,
          max: 19,
          missed: 0,
          burstStart: 31,
        },
        "http-1000-10s": {
          cpuPercent: 5,
          usPerProbe: 503,
          rssMb: 88,
          p50: 0.3,
          p95: 0.9,
          p99: 1.4,
          max: 6.9,
          missed: 0,
        },
        "http-10000-10s": {
          cpuPercent: 41,
          usPerProbe: 411,
          rssMb: 313,
          p50: 0.4,
          p95: 2.2,
          p99: 15,
          max: 37,
          missed: 0,
        },
        hanging: { cpuPercent: 6.7, usPerProbe: 348, rssMb: 65, p50: 0.3, p95: 1.1, p99: 2.4, max: 18, missed: 0 },
        "tcp-1000-1s": { cpuPercent: 6, usPerProbe: 60, rssMb: 74, p50: 0.4, p95: 1, p99: 2.3, max: 17, missed: 0 },
        "postgres-50-1s": { cpuPercent: 3.4, usPerProbe: 676, rssMb: 63 },
        rest: { cpuPercent: 0.1, rssMb: 46 },
        start: { livezMs: 80 },
      },
    },
    {
      name: "gatus",
      label: "Gatus 5.36.0",
      figures: {
        hanging: {
          cpuPercent: 1.1,
          usPerProbe: 300,
          rssMb: 45,
          p50: 3834,
          p95: 9241,
          p99: 9245,
          max: 9246,
          missed: 3800,
        },
        rest: { cpuPercent: 0.06, rssMb: 29 },
        start: { livezMs: 41 },
      },
    },
    {
      name: "gatus-unlimited",
      label: "Gatus 5.36.0, unlimited",
      figures: {
        hanging: { cpuPercent: 7.1, usPerProbe: 374, rssMb: 53, p50: 0.3, p95: 1.2, p99: 3.7, max: 10, missed: 0 },
      },
    },
    {
      name: "blackbox",
      label: "blackbox_exporter 0.28.0 + Prometheus 3.15.0",
      figures: {
        "http-200-1s": {
          cpuPercent: 28.9,
          usPerProbe: 1446,
          rssMb: 165,
          p50: 0.4,
          p95: 1.7,
          p99: 3.5,
          max: 17,
          missed: 0,
        },
        "http-1000-1s": {
          cpuPercent: 91,
          usPerProbe: 910,
          rssMb: 339,
          p50: 5.3,
          p95: 41,
          p99: 72,
          max: 134,
          missed: 0,
          burstStart: 82,
        },
        "http-1000-10s": {
          cpuPercent: 16.7,
          usPerProbe: 1657,
          rssMb: 263,
          p50: 0.4,
          p95: 1.2,
          p99: 2.4,
          max: 22,
          missed: 0,
        },
        "http-10000-10s": {
          cpuPercent: 118,
          usPerProbe: 1178,
          rssMb: 1529,
          p50: 0.8,
          p95: 6.8,
          p99: 27,
          max: 70,
          missed: 0,
        },
        hanging: { cpuPercent: 27.6, usPerProbe: 1447, rssMb: 165, p50: 0.4, p95: 1.8, p99: 3.4, max: 14, missed: 0 },
        "tcp-1000-1s": {
          cpuPercent: 70.8,
          usPerProbe: 708,
          rssMb: 287,
          p50: 0.7,
          p95: 4.6,
          p99: 13,
          max: 29,
          missed: 0,
        },
        rest: { cpuPercent: 0.5, rssMb: 125 },
        start: { livezMs: 340 },
      },
    },
  ],
  notes: [
    "At 10,000 checks × 10 s Cloudprober and blackbox_exporter + Prometheus had both cores; Gatus cannot run that load: it starts one endpoint each 222 ms, 37 minutes until all run.",
    "At 1,000 checks × 1 s blackbox_exporter + Prometheus were at the limit of their core.",
  ],
} as const satisfies Elsewhere;

interface Elsewhere {
  readonly conditions: string;
  readonly systems: readonly {
    readonly name: string;
    readonly label: string;
    readonly figures: Readonly<Record<string, Readonly<Partial<Record<FigureName, number>>>>>;
  }[];
  readonly notes: readonly string[];
}
