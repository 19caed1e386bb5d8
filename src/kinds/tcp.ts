import { z } from "zod";
import {
  type BoundKind,
  type Check,
  CheckFailure,
  type CheckKind,
  type CheckRun,
  type ClientSpan,
  type FactTable,
  type FactValue,
  type Outcome,
} from "../check.js";
import { attr } from "../semconv.js";
import { cancellationOf } from "../wire/abortable.js";
import { addressOption, parseAddress } from "../wire/address.js";
import { networkFailure, withFacts } from "../wire/network-failure.js";
import { OpenSocket } from "../wire/open-socket.js";
import { hearText, sendText } from "../wire/socket-text.js";

const maxAnswerBytes = 65_536;

const options = z.strictObject({
  address: addressOption,
  send: z
    .string()
    .min(1)
    .describe(
      'Text that is sent once connected, UTF-8. In YAML, double quotes make line ends of `"\\r\\n"`. Without `expect`, sending it is enough.',
    )
    .optional(),
  expect: z
    .string()
    .min(1)
    .max(4_096)
    .describe(
      "Text that the peer must answer, or say first, anywhere within its first 64 KiB; letter case included. Without it a connection is enough.",
    )
    .optional(),
});
export type TcpOptions = z.infer<typeof options>;

const facts: FactTable = {
  connect_ms: {
    type: "number",
    unit: "ms",
    description: "From the resolved address to the established connection.",
    metric: { name: "health.tcp.connect", unit: "s", scale: 0.001 },
  },
  remote_address: { type: "string", description: "The address that was connected to." },
};

export const tcpKind: CheckKind<TcpOptions> = {
  kind: "tcp",
  summary: "A TCP connection is accepted and, when asked for, the expected text comes back.",
  options,
  facts,
  defaults: { intervalMs: 30_000, timeoutMs: 3_000 },
  create: (given) => new TcpCheck(given),
  urlExample: "tcp://mail:25",
  fromUrl: (url) => (url.protocol === "tcp:" && url.port !== "" ? { address: url.host } : undefined),
};

export type TcpInput = z.input<typeof options>;

/** A TCP connection is opened, for `register`. */
export function tcp(options: TcpInput): BoundKind {
  return { kind: tcpKind, options };
}

class TcpCheck implements Check {
  private readonly target;
  private readonly attributes;

  constructor(private readonly options: TcpOptions) {
    const target = parseAddress(options.address);
    if (!target) throw new TypeError(`no address: ${options.address}`);
    this.target = target;
    this.attributes = {
      [attr.serverAddress]: target.host,
      [attr.serverPort]: target.port,
      [attr.networkTransport]: "tcp",
    };
  }

  run(run: CheckRun): Promise<Outcome> {
    return run.trace.client("tcp connect", this.attributes, async (span) => {
      const opened = new OpenSocket(this.target, cancellationOf(run));
      const found: Record<string, FactValue> = {};
      try {
        await opened.connected();
        describe(opened, this.target.port, span, found);
        await this.converse(opened);
        return { status: "healthy", facts: found };
      } catch (error) {
        throw withFacts(networkFailure(error), found);
      } finally {
        opened.close();
      }
    });
  }

  private async converse(opened: OpenSocket): Promise<void> {
    const { send, expect } = this.options;
    if (send !== undefined) await sendText(opened, send);
    if (expect === undefined) return;
    const { answer, bytes } = await hearText(opened, expect, maxAnswerBytes);
    if (answer === "found") return;
    if (bytes === 0) throw new CheckFailure("network", "closed without an answer");
    const what = answer === "closed" ? "then closed" : `the first ${maxAnswerBytes} bytes`;
    throw new CheckFailure("unexpected", `answered without the expected text (${what})`);
  }
}

function describe(opened: OpenSocket, port: number, span: ClientSpan, found: Record<string, FactValue>): void {
  const { peerAddress, startMs, dnsEndMs, connectEndMs, connectMs } = opened;
  if (connectMs !== undefined) found.connect_ms = connectMs;
  if (peerAddress !== undefined) found.remote_address = peerAddress;
  span.set({ [attr.networkPeerAddress]: peerAddress, [attr.networkPeerPort]: port });
  if (dnsEndMs !== undefined) span.phase("dns", startMs, dnsEndMs);
  if (connectEndMs !== undefined) span.phase("connect", dnsEndMs ?? startMs, connectEndMs);
}
