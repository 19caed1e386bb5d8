import { agentVersion, scopeName } from "../semconv.js";
import { encodeRequest } from "./grpc-message.js";
import type { SocketTarget } from "./open-socket.js";

/** The method that is called; with a slash ahead it is the path of the request. */
export const healthMethod = "grpc.health.v1.Health/Check";

export interface GrpcRequest {
  readonly socket: SocketTarget;
  /** `host:port`, as configured. */
  readonly address: string;
  readonly isSecure: boolean;
  readonly service: string;
  /** Metadata of the user's own; names in any letter case. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A call and where it goes, prepared so that a run has little left to do. */
export interface GrpcTarget {
  readonly socket: SocketTarget;
  readonly headers: Readonly<Record<string, string>>;
  /** Names of headers that no table of compression may remember. */
  readonly sensitiveHeaders: readonly string[];
  readonly body: Buffer;
}

export function createGrpcTarget({ socket, address, isSecure, service, metadata }: GrpcRequest): GrpcTarget {
  const own = Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name.toLowerCase(), value]));
  return {
    socket,
    headers: {
      ":method": "POST",
      ":scheme": isSecure ? "https" : "http",
      ":authority": address,
      ":path": `/${healthMethod}`,
      "content-type": "application/grpc",
      te: "trailers",
      "user-agent": `${scopeName}/${agentVersion}`,
      ...own,
    },
    sensitiveHeaders: Object.keys(own),
    body: encodeRequest(service),
  };
}

/** The headers of one run: how long it waits for an answer, and the trace it belongs to unless the user named one. */
export function headersOf(
  { headers }: GrpcTarget,
  timeoutMs: number,
  traceparent: string | undefined,
): Readonly<Record<string, string>> {
  return {
    ...(traceparent !== undefined && { traceparent }),
    ...headers,
    // Eight digits at most (gRPC over HTTP/2, "Timeout"): more than a day.
    "grpc-timeout": `${Math.min(Math.ceil(timeoutMs), 99_999_999)}m`,
  };
}
