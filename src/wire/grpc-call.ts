import { type ClientHttp2Session, type ClientHttp2Stream, connect, sensitiveHeaders } from "node:http2";
import { TLSSocket } from "node:tls";
import { CheckFailure, type ClientSpan, type Reason } from "../check.js";
import { attr } from "../semconv.js";
import { maxBodyBytes } from "./grpc-message.js";
import { httpFailure } from "./grpc-status.js";
import type { GrpcTarget } from "./grpc-target.js";
import { errorCode, networkFailure } from "./network-failure.js";
import { OpenSocket } from "./open-socket.js";
import type { SecureDialer } from "./secure-socket.js";

/** How a call ended: its status, wherever it came, and the bytes of its messages. */
export interface GrpcAnswer {
  /** `grpc-status`, as it came. */
  readonly status: string;
  /** `grpc-message`, as it came. */
  readonly message: string | undefined;
  readonly body: Buffer;
}

/** One unary call on a connection of its own, which `close` ends. */
export class GrpcCall {
  private opened: OpenSocket | undefined;
  private session: ClientHttp2Session | undefined;

  constructor(
    private readonly target: GrpcTarget,
    private readonly span: ClientSpan,
  ) {}

  /** Connects and calls; `dialer` for TLS. Rejects with the signal's reason, or what `failure` makes sense of. */
  async send(
    signal: AbortSignal,
    dialer: SecureDialer | undefined,
    headers: Readonly<Record<string, string>>,
  ): Promise<GrpcAnswer> {
    const { target, span } = this;
    const opened = new OpenSocket(target.socket, signal, dialer?.dial);
    this.opened = opened;
    await opened.connected();
    this.describeConnection(opened);
    if (dialer) await this.secure(opened, dialer);
    const sentMs = performance.now();
    // The scheme in it is not used: each request says its own.
    const session = connect("http://grpc", {
      createConnection: () => opened.socket,
      settings: { enablePush: false },
    });
    this.session = session;
    const answer = await opened.stage<GrpcAnswer>((resolve, reject) => {
      session.on("error", reject);
      const stream = session.request({ ...headers, [sensitiveHeaders]: [...target.sensitiveHeaders] });
      stream.once("response", () => span.phase("ttfb", sentMs, performance.now()));
      readAnswer(stream, resolve, reject);
      stream.end(target.body);
    });
    return answer;
  }

  /** What was thrown, as a failure. The signal's own reason stays what it is. */
  failure(error: unknown, signal: AbortSignal): unknown {
    if (signal.aborted && signal.reason instanceof CheckFailure) return signal.reason;
    if (error instanceof CheckFailure) return error;
    const code = errorCode(error);
    // Without a code it is no error of the network but ours.
    if (code === undefined) return error;
    if (/NO_APPLICATION_PROTOCOL$/.test(code)) return withoutHttp2(error);
    if (code === "ERR_HTTP2_ERROR")
      return new CheckFailure("protocol", "the port does not speak HTTP/2", { cause: error });
    return networkFailure(error);
  }

  close(): void {
    this.session?.destroy();
    this.opened?.close();
  }

  private describeConnection(opened: OpenSocket): void {
    const { span, target } = this;
    const { startMs, dnsEndMs, connectEndMs } = opened;
    span.set({ [attr.networkPeerAddress]: opened.peerAddress, [attr.networkPeerPort]: target.socket.port });
    if (dnsEndMs !== undefined) span.phase("dns", startMs, dnsEndMs);
    if (connectEndMs !== undefined) span.phase("connect", dnsEndMs ?? startMs, connectEndMs);
  }

  private async secure(opened: OpenSocket, dialer: SecureDialer): Promise<void> {
    const { tlsEndMs, rejection } = await dialer.handshake(opened);
    this.span.phase("tls", opened.connectEndMs ?? tlsEndMs, tlsEndMs);
    if (rejection) throw rejection;
    const { socket } = opened;
    if (socket instanceof TLSSocket && socket.alpnProtocol !== "h2") throw withoutHttp2();
  }
}

function withoutHttp2(cause?: unknown): CheckFailure {
  return new CheckFailure("protocol", "the server does not offer HTTP/2 (ALPN h2)", { cause });
}

/**
 * Waits for the end of the call. Its status is in the trailers, or in the headers where these are all there is
 * (Trailers-Only). A stream that is cut off ends like any other, so only its close tells.
 */
function readAnswer(
  stream: ClientHttp2Stream,
  resolve: (answer: GrpcAnswer) => void,
  reject: (error: unknown) => void,
): void {
  let status: string | undefined;
  let message: string | undefined;
  let isHeard = false;
  let broken: unknown;
  let byteCount = 0;
  const chunks: Buffer[] = [];
  const take = (fields: Readonly<Record<string, unknown>>) => {
    status ??= textOf(fields["grpc-status"]);
    message ??= textOf(fields["grpc-message"]);
  };
  stream.on("response", (head) => {
    isHeard = true;
    take(head);
    if (status !== undefined) return;
    const httpStatus = head[":status"] ?? 0;
    if (httpStatus !== 200) reject(httpFailure(httpStatus));
    else if (!isGrpc(head["content-type"])) reject(new CheckFailure("protocol", "answered, but not in gRPC"));
  });
  stream.on("trailers", take);
  stream.on("data", (chunk: Buffer) => {
    byteCount += chunk.length;
    if (byteCount <= maxBodyBytes) chunks.push(chunk);
    else reject(new CheckFailure("protocol", `answered with more than ${maxBodyBytes} bytes`));
  });
  stream.on("error", (error) => (broken = error));
  stream.on("close", () => {
    const code = stream.rstCode ?? 0;
    if (status !== undefined) resolve({ status, message, body: Buffer.concat(chunks) });
    else if (broken !== undefined) reject(streamFailure(broken, code));
    else if (code !== 0 || !isHeard) reject(cutOff(isHeard));
    else reject(new CheckFailure("protocol", "answered without a gRPC status"));
  });
}

function cutOff(isHeard: boolean): CheckFailure {
  return new CheckFailure("network", isHeard ? "closed in the middle of its answer" : "closed without an answer");
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function isGrpc(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/grpc(\+proto)?\s*(;|$)/i.test(contentType);
}

/** RFC 9113, section 7: codes that say more than that the server ended it. */
const reasonByErrorCode: Readonly<Record<number, Reason>> = {
  1: "protocol",
  3: "protocol",
  4: "protocol",
  6: "protocol",
  9: "protocol",
  11: "overloaded",
  12: "protocol",
  13: "protocol",
};
const endedByCode = new Set(["ERR_HTTP2_STREAM_ERROR", "ERR_HTTP2_SESSION_ERROR"]);

/** The server reset the stream, or said goodbye to the session before it had answered. */
function streamFailure(error: unknown, code: number): unknown {
  if (!endedByCode.has(errorCode(error) ?? "")) return error;
  return new CheckFailure(reasonByErrorCode[code] ?? "network", `the server ended the call (HTTP/2 error ${code})`, {
    cause: error,
  });
}
