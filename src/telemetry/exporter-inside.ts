/** A response as the transports hand it on. */
export interface TransportResponse {
  readonly status: string;
  readonly data?: Uint8Array;
  readonly error?: Error;
}

/** The part of a transport that sends again after a while what may be sent again. */
export interface RetryingTransport {
  readonly _transport: { send(data: Uint8Array, timeoutMs: number): Promise<TransportResponse> };
  send(data: Uint8Array, timeoutMs: number): Promise<TransportResponse>;
  retry(data: Uint8Array, timeoutMs: number, inMs: number): Promise<TransportResponse>;
}

export interface ExporterInside {
  readonly transport: RetryingTransport;
  /** Reads an answer; throws for what is none. */
  deserialize(data: Uint8Array): unknown;
}

interface Delegate {
  readonly _transport?: Partial<RetryingTransport>;
  readonly _serializer?: { deserializeResponse?(data: Uint8Array): unknown };
}

type Serialize<Batch> = (batch: Batch) => Uint8Array | undefined;

/** Lets another serializer write what an exporter sends; it is given the exporter's own. Does nothing where that is not found. */
export function serializeBy<Batch>(exporter: object, replace: (own: Serialize<Batch>) => Serialize<Batch>): void {
  const { _delegate: delegate } = exporter as {
    _delegate?: { _serializer?: { serializeRequest?: Serialize<Batch> } };
  };
  const own = delegate?._serializer?.serializeRequest;
  if (!delegate || typeof own !== "function") return;
  // A copy: all exporters of a signal share the original.
  delegate._serializer = { ...delegate._serializer, serializeRequest: replace(own) };
}

/**
 * What the exporters (0.223) keep inside: nothing public ends their waits, bounds an answer that never ends or tells how
 * much was rejected. Where it looks different, all of that is the exporters' own again; tests on real sockets tell.
 */
export function insideOf(exporter: object): ExporterInside | undefined {
  const { _delegate: delegate } = exporter as { _delegate?: Delegate };
  const transport = delegate?._transport;
  const serializer = delegate?._serializer;
  const isKnown =
    typeof transport?.send === "function" &&
    typeof transport.retry === "function" &&
    typeof transport._transport?.send === "function" &&
    typeof serializer?.deserializeResponse === "function";
  if (!isKnown) return undefined;
  return {
    transport: transport as RetryingTransport,
    deserialize: (data) => serializer.deserializeResponse?.(data),
  };
}
