import { CommandFailure } from "../exit.js";

/** Where the agent that is examined answers. */
export interface AgentUrl {
  /** Origin and prefix, without credentials: fit to be shown. */
  readonly base: string;
  /** `user:password` of the URL, for Basic. */
  readonly credentials?: string;
}

const example = "http://127.0.0.1:9464";

/** People paste what they have just looked at. */
const ownPaths = /\/(livez|healthz|readyz|ready|startupz|health|metrics)$/;

/** The agent behind a URL; a path of ours at its end is taken off, any other is the prefix of a library's probes. */
export function parseAgentUrl(text: string): AgentUrl {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) {
    throw new CommandFailure(`healthspan: this is no http or https URL; write one such as ${guess(text)}`);
  }
  const { origin, pathname, username, password } = new URL(text);
  const prefix = pathname.replace(/\/+$/, "").replace(ownPaths, "");
  const credentials = `${decoded(username)}:${decoded(password)}`;
  return { base: `${origin}${prefix}`, ...(credentials !== ":" && { credentials }) };
}

/** What was probably meant: a port, or a host with its port. Anything else is not shown again, a password might be in it. */
function guess(text: string): string {
  if (/^\d{1,5}$/.test(text)) return `http://127.0.0.1:${text}`;
  return /^[\w.-]+(:\d{1,5})?$/.test(text) ? `http://${text}${text.includes(":") ? "" : ":9464"}` : example;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new CommandFailure("healthspan: this URL has a `%` that encodes nothing; write it as `%25`");
  }
}
