/** Every metric, span, event and attribute name. Ours start with `health.`; the others are OpenTelemetry's. */

export const attr = {
  checkName: "health.check.name",
  checkKind: "health.check.kind",
  checkCritical: "health.check.critical",
  /** Holds a status: OpenTelemetry's word for state sets. */
  checkState: "health.check.state",
  checkPreviousState: "health.check.previous_state",
  checkOutcome: "health.check.outcome",
  checkStatus: "health.check.status",
  checkStateChanged: "health.check.state_changed",
  checkItem: "health.check.item",
  checkInterval: "health.check.interval",
  checkOwner: "health.check.owner",
  checkRunbook: "health.check.runbook",
  checkLabelPrefix: "health.check.label.",
  checkMessage: "health.check.message",
  /** The client's own text, scrubbed. */
  checkDetail: "health.check.detail",
  factPrefix: "health.fact.",
  traceKept: "health.trace.kept",
  /** On every span of a run that neither failed nor changed anything: what a Collector may drop a share of. */
  traceRoutine: "health.trace.routine",
  state: "health.state",
  previousState: "health.previous_state",
  probeName: "health.probe.name",
  signal: "health.telemetry.signal",
  agentVersion: "health.agent.version",
  configHash: "health.config.hash",
  shardIndex: "health.shard.index",
  configResult: "health.config.result",
  configProblems: "health.config.problems",

  errorType: "error.type",
  syntheticType: "user_agent.synthetic.type",
  userAgentOriginal: "user_agent.original",
  serverAddress: "server.address",
  serverPort: "server.port",
  networkPeerAddress: "network.peer.address",
  networkPeerPort: "network.peer.port",
  networkProtocolName: "network.protocol.name",
  networkProtocolVersion: "network.protocol.version",
  networkTransport: "network.transport",
  urlFull: "url.full",
  httpRequestMethod: "http.request.method",
  httpRequestResendCount: "http.request.resend_count",
  httpResponseStatusCode: "http.response.status_code",
  httpResponseBodySize: "http.response.body.size",
  dbSystemName: "db.system.name",
  dbCollectionName: "db.collection.name",
  dbNamespace: "db.namespace",
  dbOperationName: "db.operation.name",
  dbQueryText: "db.query.text",
  dbResponseStatusCode: "db.response.status_code",
  dnsQuestionName: "dns.question.name",
  tlsCipher: "tls.cipher",
  processExecutableName: "process.executable.name",
  processExitCode: "process.exit.code",
  processPid: "process.pid",
  rpcSystemName: "rpc.system.name",
  rpcMethod: "rpc.method",
  rpcResponseStatusCode: "rpc.response.status_code",
  tlsProtocolVersion: "tls.protocol.version",
  genAiOperationName: "gen_ai.operation.name",
  genAiProviderName: "gen_ai.provider.name",
  genAiRequestModel: "gen_ai.request.model",
  genAiRequestMaxTokens: "gen_ai.request.max_tokens",
  genAiRequestStream: "gen_ai.request.stream",
  genAiResponseModel: "gen_ai.response.model",
  genAiUsageInputTokens: "gen_ai.usage.input_tokens",
  genAiUsageOutputTokens: "gen_ai.usage.output_tokens",
} as const;

export const metric = {
  checkStatus: "health.check.status",
  checkDuration: "health.check.duration",
  checkRuns: "health.check.runs",
  checkTransitions: "health.check.transitions",
  checkLastSuccess: "health.check.last_success",
  checkInfo: "health.check.info",
  checkOrphanedRuns: "health.check.orphaned_runs",
  status: "health.status",
  probeRequests: "health.probe.requests",
  probeDuration: "health.probe.duration",
  schedulerLag: "health.scheduler.lag",
  schedulerMissedRuns: "health.scheduler.missed_runs",
  agentHeartbeat: "health.agent.heartbeat",
  agentInfo: "health.agent.info",
  agentShards: "health.agent.shards",
  configLastReloadSuccess: "health.config.last_reload_success",
  configLastReload: "health.config.last_reload",
  telemetryDropped: "health.telemetry.dropped",
} as const;

export const event = {
  checkStateChange: "health.check.state_change",
  stateChange: "health.state_change",
  configReload: "health.config.reload",
} as const;

/** Instrumentation scope of everything we emit. */
export const scopeName = "healthspan";

export const rootSpanName = (checkName: string): string => `health.check ${checkName}`;

/** Upper bounds of `health.check.duration` and of the other duration histograms, seconds. */
export const durationBoundsSeconds = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
] as const;

/** A list fact becomes at most this many series. */
export const maxItems = 50;

/** Our own version, as spans, metrics and requests to targets say it; a test holds it against package.json. */
export const agentVersion = "0.1.0";
