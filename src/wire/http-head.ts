import { CheckFailure } from "../check.js";

/** By lower-case name. What is sent several times is joined by commas, or counts once where only one can be meant. */
export type HttpHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Status line and headers of an answer. */
export interface HttpHead {
  readonly status: number;
  /** `1.1` or `1.0`. */
  readonly version: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** A head larger than this is no head that a service means; endless ones end here. Bytes. */
export const maxHeadBytes = 16_384;

const statusLine = /^HTTP\/(1\.[01]) ([1-9]\d\d)(?: |\r?\n)/;
/** RFC 9110, section 5.6.2. */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** RFC 9110, section 5.5, and the line ends. */
const foreign = /[^\t\r\n\x20-\x7e\x80-\xff]/;
/** RFC 9112, section 2.2: within a line it could hide another. */
const bareReturn = /\r(?!\n)/;
/** RFC 9112, section 5.2: a value that goes on in the next line. */
const fold = /\r?\n[\t ]+/g;

/** Of these the first counts, as Node's own client has it: joined they would be another value. */
const singular = new Set([
  "age",
  "content-type",
  "etag",
  "expires",
  "last-modified",
  "location",
  "retry-after",
  "server",
]);

export function noHttpAnswer(what: string): CheckFailure {
  return new CheckFailure("protocol", `no HTTP answer (${what})`);
}

/** Reads a head, the empty line at its end included. Throws a `CheckFailure` for what is none; it quotes nothing of it. */
export function parseHead(text: string): HttpHead {
  const status = statusLine.exec(text);
  if (!status) throw noHttpAnswer("no status line");
  if (foreign.test(text) || bareReturn.test(text)) throw noHttpAnswer("control characters in the head");
  const headers: Record<string, string> = Object.create(null);
  const unfolded = text.includes("\n ") || text.includes("\n\t") ? text.replace(fold, " ") : text;
  let from = unfolded.indexOf("\n") + 1;
  for (let end = unfolded.indexOf("\n", from); end >= 0; end = unfolded.indexOf("\n", from)) {
    const line = unfolded.charCodeAt(end - 1) === carriageReturn ? end - 1 : end;
    if (line > from) addField(headers, unfolded.slice(from, line));
    from = end + 1;
  }
  return { status: Number(status[2]), version: status[1] ?? "", headers };
}

const carriageReturn = 13;

function addField(headers: Record<string, string>, line: string): void {
  const colon = line.indexOf(":");
  const name = line.slice(0, colon);
  if (colon < 0 || !token.test(name)) throw noHttpAnswer("a header line that is none");
  const key = name.toLowerCase();
  const value = line.slice(colon + 1).trim();
  const before = headers[key];
  if (before === undefined) headers[key] = value;
  else if (!singular.has(key)) headers[key] = `${before}, ${value}`;
}
