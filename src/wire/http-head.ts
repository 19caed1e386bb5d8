import { CheckFailure } from "../check.js";

/** By lower-case name. What is sent several times is joined by commas, or counts once where only one can be meant. */
export type HttpHeaders = Readonly<Record<string, string | undefined>>;

/** Status line and headers of an answer. */
export interface HttpHead {
  readonly status: number;
  /** `1.1` or `1.0`. */
  readonly version: string;
  readonly headers: HttpHeaders;
}

/** A head larger than this is no head that a service means; endless ones end here. Bytes. */
export const maxHeadBytes = 16_384;

const statusLine = /^HTTP\/(1\.[01]) ([1-9]\d\d)(?: |\r?\n)/;
/** By then it has matched, or never will. */
const longestMatch = "HTTP/1.1 200\r\n".length;
const begin = "HTTP/1.";
/** RFC 9110, section 5.6.2. */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** RFC 9110, section 5.5, and the line ends. */
const foreign = /[^\t\r\n\x20-\x7e\x80-\xff]/;
/** RFC 9112, section 2.2: within a line it could hide another. */
const bareReturn = /\r[^\n]/;
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

const noStatusLine = "no status line";
const controls = "control characters in the head";

export function noHttpAnswer(what: string): CheckFailure {
  return new CheckFailure("protocol", `no HTTP answer (${what})`);
}

/** Whether this holds what neither a head nor the lines between chunks may hold. */
export function hasControls(text: string): boolean {
  return foreign.test(text) || bareReturn.test(text);
}

/**
 * Throws a `CheckFailure` where bytes that hold no whole head are not the beginning of one either: nobody has to wait for
 * the rest, which may never come. What lies ahead of `searched` has been looked at before.
 */
export function checkBeginning(bytes: Buffer, searched: number): void {
  const start = bytes.toString("latin1", 0, longestMatch);
  const isDecided = start.length === longestMatch || start.includes("\n");
  const mayBecomeHead = isDecided ? statusLine.test(start) : start.startsWith(begin.slice(0, start.length));
  if (!mayBecomeHead) throw noHttpAnswer(noStatusLine);
  if (hasControls(bytes.toString("latin1", Math.max(0, searched - 1)))) throw noHttpAnswer(controls);
}

/** Reads a head, the empty line at its end included. Throws a `CheckFailure` for what is none; it quotes nothing of it. */
export function parseHead(text: string): HttpHead {
  const status = statusLine.exec(text);
  if (!status) throw noHttpAnswer(noStatusLine);
  if (hasControls(text)) throw noHttpAnswer(controls);
  // RFC 9112, section 2.2: there is no header yet that this line could go on with.
  if (isBlank(text.charCodeAt(text.indexOf("\n") + 1))) throw noHttpAnswer("a header line that is none");
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

/** The name in a header's line. Throws a `CheckFailure` for a line that is no header's. */
export function fieldName(line: string): string {
  const name = line.slice(0, Math.max(0, line.indexOf(":")));
  if (!token.test(name)) throw noHttpAnswer("a header line that is none");
  return name;
}

function addField(headers: Record<string, string>, line: string): void {
  const name = fieldName(line);
  const key = name.toLowerCase();
  const value = withoutBlanks(line.slice(name.length + 1));
  const before = headers[key];
  if (before === undefined) headers[key] = value;
  else if (!singular.has(key)) headers[key] = `${before}, ${value}`;
}

const isBlank = (code: number): boolean => code === 32 || code === 9;

/** RFC 9110, section 5.6.3. `trim` takes more away: a no-break space, which ends many a letter's UTF-8, would be lost. */
function withoutBlanks(text: string): string {
  let from = 0;
  let end = text.length;
  while (isBlank(text.charCodeAt(from))) from++;
  while (end > from && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(from, end);
}
