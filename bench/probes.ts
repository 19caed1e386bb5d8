/**
 * What a probe costs beside an Express route that sends a constant of the same length: `npx tsx bench/probes.ts`.
 * Both run in processes of their own, round by round in turn, so that a noisy machine disturbs both alike.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import autocannon from "autocannon";
import express from "express";
import { createPolicy } from "../src/check.js";
import { createReport } from "../src/health/report.js";
import { initialState, nextState } from "../src/health/state.js";
import { createApp } from "../src/server/app.js";
import { createEndpoints } from "../src/server/endpoints.js";
import { startListener } from "../src/server/listener.js";
import type { HealthSource } from "../src/server/ports.js";

const checkCount = 50;
const rounds = Number(process.env.ROUNDS ?? 5);
const seconds = Number(process.env.SECONDS ?? 3);

/** Checks that all have a result, and a new result every 20 ms, as 50 checks each second would bring. */
function busySource(): HealthSource {
  const startedAtMs = Date.now();
  const views = Array.from({ length: checkCount }, (_, index) => {
    const policy = createPolicy(`check-${index}`, { kind: "http", defaults: { intervalMs: 1_000, timeoutMs: 500 } });
    const facts = { status_code: 200, dns_ms: 1.5, connect_ms: 0.4, ttfb_ms: 12.25, body_bytes: 1_024 };
    const result = { status: "healthy", facts, atMs: startedAtMs, durationMs: 14.5 } as const;
    return { policy, state: nextState(initialState(startedAtMs), result, policy, startedAtMs), isResources: false };
  });
  let revision = 0;
  setInterval(() => {
    revision += 1;
  }, 20).unref();
  return {
    report: () =>
      createReport({
        checks: views,
        phase: "running",
        liveness: true,
        readinessMode: "dependencies",
        version: "1.0.0",
        startedAtMs,
        nowMs: Date.now(),
      }),
    get revision() {
      return revision;
    },
    phase: "running",
    status: "healthy",
    isAlive: true,
    hasStarted: true,
    history: () => [],
  };
}

type Subject = "ours" | "express";

async function serve(subject: Subject): Promise<void> {
  const source = busySource();
  const settings = { host: "127.0.0.1", port: 0, details: "authorized", trustLoopback: true } as const;
  if (subject === "ours") {
    const observer = { probe: () => {} };
    const endpoints = createEndpoints(source, { settings, observer });
    const { port } = await startListener(settings, createApp({ source, endpoints }));
    process.send?.({ port });
    return;
  }
  const app = express();
  const full = JSON.stringify(source.report());
  const { status, phase, readiness, cached, timestamp } = source.report();
  const short = JSON.stringify({ status, phase, readiness, cached, timestamp });
  app.get("/livez", (_req, res) => void res.type("text").send("OK"));
  app.get("/readyz", (req, res) => void res.type("json").send(req.headers.via === undefined ? full : short));
  const { port } = await startListener(settings, app);
  process.send?.({ port });
}

interface Case {
  readonly name: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

const cases: readonly Case[] = [
  { name: "/livez", path: "/livez", headers: {} },
  { name: "/readyz, anonymous", path: "/readyz", headers: { via: "1.1 balancer" } },
  { name: `/readyz, ${checkCount} checks in full`, path: "/readyz", headers: {} },
];

interface Measured {
  readonly perSecond: number;
  readonly p99Ms: number;
}

async function load(port: number, { path, headers }: Case): Promise<Measured> {
  const url = `http://127.0.0.1:${port}${path}`;
  const result = await autocannon({ url, headers, connections: 10, duration: seconds });
  if (result.non2xx + result.errors > 0) throw new Error(`${url}: ${result.non2xx} non-2xx, ${result.errors} errors`);
  return { perSecond: result.requests.average, p99Ms: result.latency.p99 };
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

async function start(subject: Subject): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const child = fork(fileURLToPath(import.meta.url), [subject]);
  const [message] = (await once(child, "message")) as [{ port: number }];
  return { child, port: message.port };
}

async function compare(): Promise<void> {
  const ours = await start("ours");
  const theirs = await start("express");
  for (const probe of cases) {
    const figures: Record<Subject, Measured[]> = { ours: [], express: [] };
    for (let round = 0; round < rounds; round += 1) {
      figures.ours.push(await load(ours.port, probe));
      figures.express.push(await load(theirs.port, probe));
    }
    const rate = (subject: Subject): number => median(figures[subject].map(({ perSecond }) => perSecond));
    const p99 = (subject: Subject): number => median(figures[subject].map(({ p99Ms }) => p99Ms));
    const share = Math.round((100 * rate("ours")) / rate("express"));
    console.log(
      `${probe.name}: ${Math.round(rate("ours"))}/s, p99 ${p99("ours")} ms; ` +
        `Express constant ${Math.round(rate("express"))}/s, p99 ${p99("express")} ms: ${share} %`,
    );
  }
  ours.child.kill();
  theirs.child.kill();
}

const subject = process.argv[2];
await (subject === "ours" || subject === "express" ? serve(subject) : compare());
