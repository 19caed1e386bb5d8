import type { AgentUrl } from "./agent-url.js";

/** What the agent answered to one GET. */
export interface Reply {
  readonly statusCode: number;
  /** `X-Health-Status` is on each of our answers, and on nobody else's. */
  readonly isOurs: boolean;
  readonly body: string;
}

/** Asks for a path of the agent, such as `/readyz`. @throws NoAnswer */
export type Ask = (path: string) => Promise<Reply>;

/** Nobody answered; the message says why. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";

  constructor(
    message: string,
    /** What to do about it. */
    readonly next: string = "name the agent's own address; its log does",
  ) {
    super(message);
  }
}

const limitMs = 5_000;
/** A report of 10,000 checks has 6 MB. */
const maxBodyBytes = 64 * 1024 * 1024;

/** The token goes with every question. Redirects are not followed, so that it reaches nobody else. */
export function createAsk({ base, credentials }: AgentUrl, token: string | undefined): Ask {
  const basic = credentials && `Basic ${Buffer.from(credentials).toString("base64")}`;
  const authorization = token === undefined ? basic : `Bearer ${token}`;
  const headers = {
    accept: "application/json",
    "user-agent": "healthspan-doctor",
    ...(authorization && { authorization }),
  };
  return async (path) => {
    const { request } = base.startsWith("https:") ? await import("node:https") : await import("node:http");
    return new Promise((resolve, reject) => {
      const fail = (why: string, next?: string): void => {
        clearTimeout(deadline);
        outgoing.destroy();
        reject(new NoAnswer(why, next));
      };
      const deadline = setTimeout(() => fail(`no answer within ${limitMs / 1_000} s`, hangs), limitMs);
      const outgoing = request(`${base}${path}`, { agent: false, headers }, (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response
          .on("data", (chunk: Buffer) => {
            bytes += chunk.length;
            if (bytes > maxBodyBytes) fail("its answer is longer than 64 MiB");
            else chunks.push(chunk);
          })
          .on("error", (error) => fail(...wordsOf(error)))
          .on("end", () => {
            clearTimeout(deadline);
            const body = Buffer.concat(chunks).toString("utf8");
            const { statusCode = 0 } = response;
            resolve({ statusCode, isOurs: response.headers["x-health-status"] !== undefined, body });
          });
      });
      outgoing.on("error", (error) => fail(...wordsOf(error))).end();
    });
  };
}

type Words = readonly [why: string, next?: string];

const hangs = "an agent that hangs is started anew; is it the agent's own port, which its log names?";
const protocol = "is it http or https, and the agent's own port, which its log names?";
const trust = "NODE_EXTRA_CA_CERTS names a file of authorities to trust";

const words: Readonly<Record<string, Words>> = {
  ECONNREFUSED: ["nothing listens there", "`healthspan run` starts one, and its log names its address"],
  ECONNRESET: ["the connection was reset", protocol],
  ENOTFOUND: ["its name does not resolve"],
  EAI_AGAIN: ["its name does not resolve now"],
  EHOSTUNREACH: ["there is no way to that host"],
  ENETUNREACH: ["there is no way to that network"],
  ETIMEDOUT: ["no answer"],
};

function wordsOf(error: NodeJS.ErrnoException): Words {
  const { code = "" } = error;
  if (/^HPE_|^EPROTO$|SSL/.test(code)) return [`what listens there does not speak this protocol (${code})`, protocol];
  if (/CERT|SIGNED|VERIFY|ALTNAME/.test(code)) return [`its certificate is not trusted (${code})`, trust];
  return words[code] ?? [code || error.message];
}
