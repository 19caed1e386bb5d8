import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The peer's address; a stranger's unless said. */
  readonly from?: string;
}

/** A request as Node's parser hands it over, on a connection of its own that is none. */
export function request(url: string, { method = "GET", headers = {}, from = "203.0.113.9" }: RequestOptions = {}) {
  return {
    method,
    url,
    headers: { host: "health.example", ...headers },
    socket: Object.assign(new EventEmitter(), { remoteAddress: from, destroyed: false }),
  } as unknown as IncomingMessage;
}

/** A request from this machine, spoken directly to us. */
export const localRequest = (url: string, options: RequestOptions = {}): IncomingMessage =>
  request(url, { from: "127.0.0.1", ...options, headers: { host: "127.0.0.1:9464", ...options.headers } });

/** Takes what a handler writes, and may play a client that reads slowly or leaves. */
export class FakeResponse extends EventEmitter {
  statusCode = 0;
  headersSent = false;
  shouldKeepAlive = true;
  destroyed = false;
  writableEnded = false;
  /** False makes `write` report a full buffer. */
  canTakeMore = true;
  readonly chunks: string[] = [];
  private readonly headerPairs: (readonly [string, string])[] = [];

  writeHead(statusCode: number, headers: readonly string[]): this {
    this.statusCode = statusCode;
    this.headersSent = true;
    for (let index = 0; index < headers.length; index += 2) {
      this.headerPairs.push([String(headers[index]).toLowerCase(), String(headers[index + 1])]);
    }
    return this;
  }

  write(chunk: string | Uint8Array): boolean {
    this.chunks.push(Buffer.from(chunk).toString());
    return this.canTakeMore;
  }

  end(chunk?: string | Uint8Array): this {
    if (chunk !== undefined) this.write(chunk);
    this.writableEnded = true;
    this.emit("finish");
    return this;
  }

  destroy(): this {
    this.destroyed = true;
    this.emit("close");
    return this;
  }

  get body(): string {
    return this.chunks.join("");
  }

  get json(): Record<string, unknown> {
    return JSON.parse(this.body);
  }

  header(name: string): string | undefined {
    return this.headerPairs.find(([key]) => key === name.toLowerCase())?.[1];
  }

  get headers(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.headerPairs);
  }

  asServerResponse(): ServerResponse {
    return this as unknown as ServerResponse;
  }
}

type Answering = (req: IncomingMessage, res: ServerResponse) => unknown;

/** Hands a request to a handler that answers at once, and returns what it wrote. */
export function answerOf(handler: Answering, req: IncomingMessage): FakeResponse {
  const res = new FakeResponse();
  handler(req, res.asServerResponse());
  return res;
}
