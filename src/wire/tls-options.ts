import { isIP } from "node:net";
import { type ConnectionOptions, createSecureContext, type SecureContext } from "node:tls";
import { z } from "zod";
import { CheckFailure, secret } from "../check.js";

const hasPem = (text: string): boolean => /-----BEGIN [A-Z0-9 ]+-----/.test(text);
const needsPem = "is no PEM text; give the text itself, as `${file:/path/to/file.pem}` does";

/** The TLS options of every kind that speaks it, spelled the same everywhere. */
export const tlsOptions = z
  .strictObject({
    ca: z
      .string()
      .refine(hasPem, needsPem)
      .describe("Certificates to trust instead of Node's own list, PEM text.")
      .optional(),
    cert: z
      .string()
      .refine(hasPem, needsPem)
      .describe("Our own certificate, for servers that ask for one, PEM text. Needs `key`.")
      .optional(),
    key: secret("The private key of `cert`, PEM text.").refine(hasPem, needsPem).optional(),
    serverName: z
      .string()
      .min(1)
      .describe("The name to ask for (SNI) and to hold the certificate against, instead of the host.")
      .optional(),
    insecureSkipVerify: z
      .boolean()
      .describe("Accept any certificate. The connection is then open to whoever sits in between.")
      .optional(),
  })
  .refine((tls) => (tls.cert === undefined) === (tls.key === undefined), "needs `cert` and `key` together, or neither");

export type TlsOptions = z.infer<typeof tlsOptions>;

/**
 * Options for `tls.connect` and for the clients that pass theirs on to it; reading certificates and keys for them is
 * dear. Throws a `CheckFailure` when these cannot be used.
 */
export function toConnectionOptions(tls: TlsOptions, host: string): ConnectionOptions {
  const serverName = tls.serverName ?? host;
  return {
    secureContext: secureContext(tls),
    // An address is no SNI name (RFC 6066, section 3); the certificate is still held against it.
    ...(isIP(serverName) === 0 && { servername: serverName }),
    rejectUnauthorized: !tls.insecureSkipVerify,
  };
}

function secureContext({ ca, cert, key }: TlsOptions): SecureContext {
  try {
    return createSecureContext({ ca, cert, key });
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new CheckFailure("tls", "`cert`, `key` or `ca` of `tls` cannot be used", { cause: error, detail });
  }
}
