/**
 * Everything that a row can hold: what it is, how many digits of it mean something, and what it is called where no
 * column before it says the first half.
 */
export const figures = {
  cpuPercent: { title: "CPU, % of a core", digits: 1 },
  usPerProbe: { title: "CPU µs a probe", digits: 0 },
  rssMb: { title: "RSS MB", digits: 0 },
  p50: { title: "error of the interval ms: p50", digits: 1 },
  p95: { title: "p95", digits: 1, alone: "error of the interval ms: p95" },
  p99: { title: "p99", digits: 1, alone: "error of the interval ms: p99" },
  max: { title: "max", digits: 0, alone: "error of the interval ms: max" },
  missed: { title: "missed", digits: 0 },
  burstStart: { title: "most starts in 10 ms: after the start", digits: 0 },
  burstStall: { title: "after a stall", digits: 0, alone: "most starts in 10 ms: after a stall" },
  scrapeMs: { title: "scrape ms", digits: 1 },
  holdMs: { title: "longest hold of the event loop ms", digits: 1 },
  livezMs: { title: "first 200 ms", digits: 0 },
  upMs: { title: "everything up ms", digits: 0 },
  perSecond: { title: "answers a second", digits: 0 },
  expressPerSecond: { title: "Express constant, answers a second", digits: 0 },
  shareOfExpress: { title: "% of Express", digits: 0 },
  p99IdleMs: { title: "p99 ms while none hangs", digits: 1 },
  p99HangingMs: { title: "p99 ms while checks hang", digits: 1 },
  bookkeepingUs: { title: "one run's bookkeeping µs", digits: 1 },
  transitionUs: { title: "state transition µs", digits: 2 },
  tick1000Us: { title: "scheduler, a start of 1,000 checks µs", digits: 2 },
  tick10000Us: { title: "scheduler, a start of 10,000 checks µs", digits: 2 },
  reportMs: { title: "report of 1,000 checks ms", digits: 2 },
  configMs: { title: "config of 1,000 checks ms", digits: 0 },
} as const satisfies Readonly<Record<string, Figure>>;

interface Figure {
  readonly title: string;
  readonly digits: number;
  readonly alone?: string;
}

/** Its name where it stands alone. */
export function nameOf(figure: FigureName): string {
  const { title, alone }: Figure = figures[figure];
  return alone ?? title;
}

export type FigureName = keyof typeof figures;
export type Figures = Readonly<Partial<Record<FigureName, number>>>;
export const figureNames = Object.keys(figures) as readonly FigureName[];
