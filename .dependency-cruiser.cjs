/**
 * The house and its import rules (docs/adr/0002-rooms.md). Types count as imports: what a room may not know, it may
 * not name either. Change a row here only together with the table in ARCHITECTURE.md.
 */

/** Room → rooms it may import. A room may always import itself, unless it has no inside. */
const rooms = {
  check: [],
  semconv: [],
  health: ["check"],
  wire: ["check", "semconv"],
  kinds: ["check", "semconv", "wire"],
  signals: ["check", "semconv"],
  engine: ["check", "health", "signals"],
  server: ["check", "health", "signals"],
  telemetry: ["check", "semconv", "signals"],
  config: ["check", "kinds"],
  rules: ["config", "semconv"],
  discovery: ["kinds", "config"],
  log: ["check", "semconv", "signals"],
  library: ["check", "kinds", "engine", "health", "signals", "server"],
  agent: [
    "check",
    "semconv",
    "health",
    "wire",
    "kinds",
    "signals",
    "engine",
    "server",
    "telemetry",
    "config",
    "rules",
    "discovery",
    "log",
    "library",
  ],
  cli: ["agent", "config", "discovery", "rules", "log"],
};

/** Files that make up a room; a folder of the room's name or a file of it, unless listed here. */
const files = { library: "^src/(library/|(library|index|testing)[.]ts$)" };
const roomOf = (room) => files[room] ?? `^src/${room}([.]ts$|/)`;

const roomRules = Object.entries(rooms).map(([room, allowed]) => ({
  name: `room-${room}`,
  comment: `${room} may import ${allowed.join(", ") || "nothing of ours"}.`,
  severity: "error",
  from: { path: roomOf(room) },
  to: { path: "^src/", pathNot: [room, ...allowed].map(roomOf) },
}));

const inPackage = (names) => `(^|/)node_modules/(@types/)?(${names})/`;

/** npm packages by the only files that may import them. Whatever is in no row may be imported nowhere. */
const packages = [
  { name: "express", in: "^src/server/app[.]ts$" },
  {
    name: "@opentelemetry/(sdk-[^/]+|exporter-[^/]+|resources|core|otlp-[^/]+)",
    label: "otel-sdk",
    in: "^src/telemetry/",
  },
  {
    name: "@opentelemetry/(api|api-logs)",
    label: "otel-api",
    in: "^src/(signals/|telemetry/|library[.]ts$|agent([.]ts$|/))",
  },
  { name: "yaml", in: "^src/(config|rules)/" },
  { name: "fastest-levenshtein", in: "^src/config/" },
  { name: "pino|pino-pretty", label: "pino", in: "^src/log([.]ts$|/)" },
  { name: "commander", in: "^src/cli/" },
  { name: "pg|pg-[^/]+", label: "pg", in: "^src/(wire|kinds)/(postgres|pgvector)[^/]*[.]ts$", lazy: true },
  { name: "ioredis", in: "^src/(wire|kinds)/redis[^/]*[.]ts$", lazy: true },
  { name: "@zilliz/milvus2-sdk-node", label: "milvus", in: "^src/(wire|kinds)/milvus[^/]*[.]ts$", lazy: true },
  { name: "openai", in: "^src/(wire|kinds)/llm[^/]*[.]ts$", lazy: true },
  { name: "zod", in: "^src/(check([.]ts$|/)|wire/|kinds/|config/)" },
];

const packageRules = packages.map(({ name, label = name, in: path }) => ({
  name: `package-${label}`,
  severity: "error",
  from: { path: "^src/", pathNot: path },
  to: { path: inPackage(name) },
}));

/** Drivers are optional and cost start-up time: a run that needs one loads it. */
const lazyRules = packages
  .filter(({ lazy }) => lazy)
  .map(({ name, label = name }) => ({
    name: `lazy-${label}`,
    comment: "Import it dynamically, or its types only.",
    severity: "error",
    from: { path: "^src/" },
    to: { path: inPackage(name), dynamic: false, dependencyTypesNot: ["type-only", "type-import"] },
  }));

module.exports = {
  forbidden: [
    ...roomRules,
    ...packageRules,
    ...lazyRules,
    {
      name: "no-roomless-file",
      comment: "Every source file belongs to a room of the table.",
      severity: "error",
      module: { path: "^src/", pathNot: Object.keys(rooms).map(roomOf), numberOfDependentsLessThan: 100 },
      from: {},
    },
    {
      name: "no-sibling-kind",
      comment: "What kinds share lives in wire; only the list of kinds knows them all.",
      severity: "error",
      from: { path: "^src/kinds/", pathNot: "^src/kinds/index[.]ts$" },
      to: { path: "^src/kinds/" },
    },
    {
      name: "library-without-express",
      comment: "The library's probes run on Node's own types; Express is the agent's.",
      severity: "error",
      from: { path: files.library },
      to: { path: "^src/server/app[.]ts$" },
    },
    {
      name: "app-stays-outside",
      comment: "Inside the server room nothing builds on app.ts, or the library would load Express with it.",
      severity: "error",
      from: { path: "^src/server/" },
      to: { path: "^src/server/app[.]ts$" },
    },
    {
      name: "pure-judgement",
      comment: "Health is pure: no I/O and no clock of its own. The contract and the names need neither.",
      severity: "error",
      from: { path: "^src/(health/|check([.]ts$|/)|semconv[.]ts$)" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "probe-is-alone",
      comment: "The probe command is what container health checks start every few seconds: node:http and nothing else.",
      severity: "error",
      from: { path: "^src/cli/probe[.]ts$" },
      to: { pathNot: "^(node:)?https?$" },
    },
    {
      name: "no-unknown-package",
      comment: "A new dependency gets a row in the table above: which files may import it.",
      severity: "error",
      from: { path: "^src/" },
      to: {
        path: "(^|/)node_modules/",
        pathNot: [...packages.map(({ name }) => inPackage(name)), inPackage("node|undici-types")],
      },
    },
    {
      name: "no-unresolvable",
      severity: "error",
      from: { path: "^src/" },
      to: { couldNotResolve: true },
    },
    {
      name: "no-way-out",
      comment: "What is built holds only src/.",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(test|scripts|bench|grafana|examples)/" },
    },
    { name: "no-cycle", severity: "error", from: { path: "^src/" }, to: { circular: true } },
    {
      name: "no-orphan",
      comment: "Nothing imports it and it imports nothing: is it used?",
      severity: "error",
      from: { path: "^src/", orphan: true },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    // Types count: a type-only import is knowledge of the other room too.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "types", "node", "default"] },
  },
};
