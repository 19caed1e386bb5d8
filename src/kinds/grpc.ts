import { z } from "zod";
import {
  type BoundKind,
  type Check,
  CheckFailure,
  type CheckKind,
  type CheckRun,
  type FactTable,
  type Outcome,
  secret,
} from "../check.js";
import { attr } from "../semconv.js";
import { addressOption, parseAddress } from "../wire/address.js";
import type { GrpcAnswer } from "../wire/grpc-answer.js";
import { decodeResponse, type ServingStatus } from "../wire/grpc-message.js";
import { statusFailure, statusName } from "../wire/grpc-status.js";
import { createGrpcTarget, type GrpcTarget, headersOf, healthMethod } from "../wire/grpc-target.js";
import { lateModule } from "../wire/late-module.js";
import type { SecureDialer } from "../wire/secure-socket.js";
import { tlsOptions } from "../wire/tls-options.js";

/** "Custom-Metadata" of gRPC over HTTP/2. */
const isMetadataName = (text: string): boolean => /^[0-9a-z_.-]+$/i.test(text);
/** Printable ASCII without space at either end, which a proxy may take away. */
const isMetadataValue = (text: string): boolean => /^([\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?)?$/.test(text);
/** Base64, its padding left out or not. */
const isBinaryValue = (text: string): boolean => /^[A-Za-z0-9+/]*={0,2}$/.test(text);
/** What the protocol itself says, or HTTP/2 forbids. */
const reserved =
  /^(grpc-.*|content-type|content-length|te|host|connection|keep-alive|proxy-connection|transfer-encoding|upgrade|http2-settings)$/i;

const options = z.strictObject({
  address: addressOption,
  service: z
    .string()
    .max(1_024)
    .default("")
    .describe("The service that is asked about, as the server's health service names it. Empty: the server itself."),
  headers: z
    .record(
      z
        .string()
        .refine(isMetadataName, "is no name of gRPC metadata: letters, digits, `_`, `-` and `.`")
        .refine((name) => !reserved.test(name), "may not be set: it follows from the protocol"),
      secret("Sent as it is; of a name that ends in `-bin` it must be base64.").refine(
        isMetadataValue,
        "has characters that no gRPC metadata may carry; write printable ASCII, without space at either end",
      ),
    )
    .superRefine((headers, context) => {
      for (const [name, value] of Object.entries(headers)) {
        if (!/-bin$/i.test(name) || isBinaryValue(value)) continue;
        context.addIssue({
          code: "custom",
          message: "is no base64; write the value of a `-bin` name so",
          path: [name],
        });
      }
    })
    .describe("Metadata of the call, such as `authorization`. It wins over our `user-agent` and `traceparent`.")
    .optional(),
  tls: tlsOptions
    .describe(
      "Speak TLS, and how the server is trusted; `{}` trusts Node's own list. Without it the call is in plain text.",
    )
    .optional(),
  propagate: z
    .boolean()
    .default(true)
    .describe("Send W3C `traceparent` metadata, so that the service's own trace continues the check's."),
});
export type GrpcOptions = z.infer<typeof options>;

const facts: FactTable = {
  serving_status: {
    type: "string",
    description: "What the health service answered: `SERVING`, `NOT_SERVING`, `SERVICE_UNKNOWN` or `UNKNOWN`.",
  },
};

export const grpcKind: CheckKind<GrpcOptions> = {
  kind: "grpc",
  summary: "The gRPC health service says that the service is serving.",
  options,
  facts,
  defaults: { intervalMs: 30_000, timeoutMs: 3_000 },
  create: (given) => new GrpcCheck(given),
  urlExample: "grpc://inventory:50051",
  fromUrl: (url) => {
    if ((url.protocol !== "grpc:" && url.protocol !== "grpcs:") || url.port === "") return undefined;
    const service = url.pathname.slice(1);
    return {
      address: url.host,
      ...(service !== "" && { service }),
      ...(url.protocol === "grpcs:" && { tls: {} }),
    };
  },
};

export type GrpcInput = z.input<typeof options>;

/** The health service of a gRPC server is asked, for `register`. */
export function grpc(options: GrpcInput): BoundKind {
  return { kind: grpcKind, options };
}

const loadCall = lateModule(() => import("../wire/grpc-call.js"));
const loadObjection = lateModule(() => import("../wire/tls-objection.js"));
const loadSecureSocket = lateModule(() => import("../wire/secure-socket.js"));

class GrpcCheck implements Check {
  // Private by the language, so that no JSON, log or dump of a check shows a secret.
  readonly #options: GrpcOptions;
  readonly #target: GrpcTarget;
  readonly #attributes;
  #dialer: SecureDialer | undefined;

  constructor(given: GrpcOptions) {
    const { address, service, headers = {}, tls } = given;
    const socket = parseAddress(address);
    if (!socket) throw new TypeError(`no address: ${address}`);
    this.#options = given;
    this.#target = createGrpcTarget({ socket, address, isSecure: tls !== undefined, service, metadata: headers });
    this.#attributes = {
      [attr.rpcSystemName]: "grpc",
      [attr.rpcMethod]: healthMethod,
      [attr.serverAddress]: socket.host,
      [attr.serverPort]: socket.port,
    };
  }

  run({ signal, timeoutMs, trace }: CheckRun): Promise<Outcome> {
    return trace.client(healthMethod, this.#attributes, async (span) => {
      const { GrpcCall } = await loadCall();
      const call = new GrpcCall(this.#target, span);
      try {
        const traceparent = this.#options.propagate ? span.traceparent : undefined;
        const dialer = await this.dialer();
        const answer = await call.send(signal, dialer, headersOf(this.#target, timeoutMs, traceparent));
        span.set({ [attr.rpcResponseStatusCode]: statusName(answer.status) });
        return judge(answer);
      } catch (error) {
        throw await this.explained(call.failure(error, signal), signal);
      } finally {
        call.close();
      }
    });
  }

  /** A server that wants a certificate of ours may just be gone: then it is asked what it has against us. */
  private async explained(failure: unknown, signal: AbortSignal): Promise<unknown> {
    const isBroken = failure instanceof CheckFailure && failure.reason === "network";
    if (!this.#dialer || !isBroken) return failure;
    const { objectionOf } = await loadObjection();
    return (await objectionOf(this.#target.socket, this.#dialer, signal)) ?? failure;
  }

  private async dialer(): Promise<SecureDialer | undefined> {
    const { tls } = this.#options;
    if (tls === undefined || this.#dialer) return this.#dialer;
    const { createSecureDialer } = await loadSecureSocket();
    this.#dialer = createSecureDialer(tls, this.#target.socket.host, ["h2"]);
    return this.#dialer;
  }
}

const failureByStatus = {
  UNKNOWN: ["unexpected", "the server does not say whether the service is serving (UNKNOWN)"],
  NOT_SERVING: ["unavailable", "the service is not serving (NOT_SERVING)"],
  SERVICE_UNKNOWN: ["not_found", "the server knows no such service (SERVICE_UNKNOWN)"],
} as const satisfies Record<Exclude<ServingStatus, "SERVING">, readonly [CheckFailure["reason"], string]>;

function judge({ status, message, body }: GrpcAnswer): Outcome {
  if (status !== "0") throw statusFailure(status, message);
  const serving = decodeResponse(body);
  const found = { serving_status: serving };
  if (serving === "SERVING") return { status: "healthy", facts: found };
  const [reason, words] = failureByStatus[serving];
  throw new CheckFailure(reason, words, { facts: found });
}
