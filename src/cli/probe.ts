/**
 * `healthspan probe URL`, for the health check of a container: exit code 0 when the answer is 2xx, else 1, a wrong
 * command line too (Docker reserves 2). Loads nothing but `node:http` or `node:https`, and runs when it is imported.
 */

const usage = `Usage: healthspan probe [--timeout 3s] URL

Asks URL once. Exit code 0 for a 2xx answer, 1 for anything else. Redirects are
not followed.

  --timeout <duration>  how long to wait for the whole answer (default: 3s)

Examples:
  healthspan probe http://127.0.0.1:9464/livez
  HEALTHCHECK CMD ["healthspan", "probe", "http://127.0.0.1:9464/readyz"]
`;
const maxBodyBytes = 64 * 1024;
const maxWordsLength = 256;
/** Far above what a container's health check waits, far below what a timer can. */
const maxTimeoutMs = 86_400_000;
const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

class WrongUsage extends Error {}

interface Arguments {
  readonly url: URL;
  readonly timeoutMs: number;
}

interface Answer {
  readonly isGood: boolean;
  readonly words: string;
}

function parseArguments(words: readonly string[]): Arguments {
  const rest = [...words];
  const urls: string[] = [];
  let timeoutMs = 3_000;
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [name, value] = word.split("=", 2);
    if (name === "--timeout") timeoutMs = parseTimeout(value ?? rest.shift());
    else if (word.startsWith("-")) throw new WrongUsage(`unknown option '${word}'; there is only --timeout`);
    else urls.push(word);
  }
  const [text] = urls;
  if (text === undefined || urls.length > 1) throw new WrongUsage("takes one URL, such as http://127.0.0.1:9464/livez");
  return { url: parseUrl(text), timeoutMs };
}

function parseTimeout(text: string | undefined): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text ?? "");
  const timeoutMs = Number(match?.[1]) * unitMs[match?.[2] as keyof typeof unitMs];
  if (!(timeoutMs >= 1 && timeoutMs <= maxTimeoutMs)) {
    throw new WrongUsage("--timeout takes a duration up to 24h, such as 500ms or 3s");
  }
  return timeoutMs;
}

function parseUrl(text: string): URL {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) {
    // Not shown again: there may be a password in it, and container engines keep what a probe says.
    throw new WrongUsage("this is no http or https URL; write one such as http://127.0.0.1:9464/livez");
  }
  const url = new URL(text);
  if (!isEncoded(url.username + url.password)) {
    throw new WrongUsage("this URL has a `%` that encodes nothing; write it as `%25`");
  }
  return url;
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

async function ask({ url, timeoutMs }: Arguments): Promise<Answer> {
  const { request } = url.protocol === "https:" ? await import("node:https") : await import("node:http");
  return new Promise((resolve) => {
    const finish = (answer: Answer): void => {
      clearTimeout(deadline);
      resolve(answer);
      outgoing.destroy();
    };
    const deadline = setTimeout(() => finish({ isGood: false, words: `no answer within ${timeoutMs} ms` }), timeoutMs);
    const headers = { accept: "application/json, text/plain", "user-agent": "healthspan-probe" };
    const outgoing = request(url, { agent: false, headers }, (response) => {
      const { statusCode = 0, statusMessage = "" } = response;
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        if (body.length < maxBodyBytes) body += chunk;
      });
      const end = (): void =>
        finish({
          isGood: statusCode >= 200 && statusCode < 300,
          words: [clean(`${statusCode} ${statusMessage}`), reasonIn(body)].filter(Boolean).join(": "),
        });
      response
        .on("end", end)
        .on("error", (error) => finish({ isGood: false, words: `answer broke off (${codeOf(error)})` }));
    });
    outgoing.on("error", (error) => finish({ isGood: false, words: `no answer (${codeOf(error)})` }));
    outgoing.end();
  });
}

/** What a report says about itself: its `reason`, else its `message`. */
function reasonIn(body: string): string | undefined {
  try {
    const { reason, message } = JSON.parse(body) as { reason?: unknown; message?: unknown };
    const words = typeof reason === "string" ? reason : message;
    return typeof words === "string" ? clean(words) : undefined;
  } catch {
    return undefined;
  }
}

/** The text of others, without control characters and not too long. */
function clean(words: string): string {
  return words
    .replace(/[\p{Cc}\p{Cf}]+/gu, " ")
    .replace(/ +/g, " ")
    .slice(0, maxWordsLength)
    .trim();
}

function codeOf(error: Error & { code?: string }): string {
  return error.code ?? error.message;
}

async function main(words: readonly string[]): Promise<void> {
  if (words.includes("--help") || words.includes("-h")) {
    process.stdout.write(usage);
    return;
  }
  try {
    const answer = await ask(parseArguments(words));
    process.exitCode = answer.isGood ? 0 : 1;
    (answer.isGood ? process.stdout : process.stderr).write(`${answer.words}\n`);
  } catch (error) {
    process.exitCode = 1;
    if (!(error instanceof WrongUsage)) throw error;
    process.stderr.write(`healthspan probe: ${error.message}\n`);
  }
}

for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
// Through `healthspan probe …` the command's own name comes first.
void main(process.argv.slice(process.argv[2] === "probe" ? 3 : 2));
