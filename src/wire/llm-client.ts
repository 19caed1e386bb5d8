import type OpenAI from "openai";
import { CheckFailure, type CheckRun, type ClientSpan, cleanText, type SpanAttributes } from "../check.js";
import { attr } from "../semconv.js";
import { hostOf } from "./address.js";
import { eventData } from "./event-stream.js";
import { lateModule, latePackage } from "./late-module.js";
import {
  chatFacts,
  embeddingFacts,
  isListed,
  type LlmFacts,
  type ModelPage,
  modelPage,
  streamFacts,
} from "./llm-answer.js";
import { type LlmEndpoint, LlmExchange } from "./llm-exchange.js";
import { refusesParameter } from "./llm-failure.js";
import type { LlmOptions } from "./llm-options.js";

/** Enough for any list that ends; one that does not ends here. */
const maxPages = 20;
/** A few tokens in pieces are a few kilobytes. */
const maxStreamBytes = 1_048_576;
const maxModelLength = 256;
const defaultText = "Hi";
/** What APIs answer that keep no list of models. */
const listless: ReadonlySet<number | undefined> = new Set([404, 405, 501]);

type Client = Pick<OpenAI, "get" | "post">;
type Run = Pick<CheckRun, "signal" | "timeoutMs" | "trace">;
type TokenLimit = "max_completion_tokens" | "max_tokens";

interface Call<Result> {
  readonly name: string;
  readonly attributes: SpanAttributes;
  readonly isStreamed?: boolean;
  readonly ask: (client: Client, exchange: LlmExchange, span: ClientSpan) => Promise<Result>;
}

export interface ModelList {
  readonly count: number;
  readonly isListed: boolean;
}

/** One API, asked by the client package over connections of ours, a new one for each request. */
export class LlmClient {
  // Private by the language, so that no JSON, log or dump of a check shows a secret.
  readonly #options: LlmOptions;
  readonly #server: SpanAttributes;
  #endpoint: LlmEndpoint | undefined;
  #tokenLimit: TokenLimit = "max_completion_tokens";

  constructor(options: LlmOptions) {
    const url = new URL(options.baseUrl);
    const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
    this.#options = options;
    this.#server = { [attr.serverAddress]: hostOf(url), [attr.serverPort]: port };
  }

  /**
   * The list of models, page by page: no other answer tells whether a model is there. Resolves with the API's refusal
   * where it keeps no list.
   */
  async models(run: Run, facts: LlmFacts): Promise<ModelList | CheckFailure> {
    const { model } = this.#options;
    const ids = new Set<string>();
    let after: string | undefined;
    for (let page = 0; page < maxPages; page++) {
      const known = ids.size;
      const found = await this.modelPage(run, facts, after);
      if (found instanceof CheckFailure) return found;
      for (const id of found.ids) ids.add(id);
      after = found.after;
      if (after === undefined || ids.size === known) break;
    }
    const isThere = model !== undefined && isListed(model, [...ids]);
    if (after !== undefined && !isThere) throw new CheckFailure("protocol", "the list of models does not end");
    return { count: ids.size, isListed: isThere };
  }

  chat(run: Run, facts: LlmFacts): Promise<LlmFacts> {
    return this.generate(run, facts, async (client, body) =>
      chatFacts(await client.post("/chat/completions", { body })),
    );
  }

  stream(run: Run, facts: LlmFacts): Promise<LlmFacts> {
    return this.generate(run, facts, async (client, body, exchange) => {
      await client.post("/chat/completions", { body: { ...body, stream: true }, stream: true }).asResponse();
      const events = eventData(exchange.pieces(), maxStreamBytes);
      return streamFacts(events, () => performance.now(), exchange.sentMs);
    });
  }

  embeddings(run: Run, facts: LlmFacts): Promise<LlmFacts> {
    const { model, input = defaultText } = this.#options;
    return this.call(run, facts, {
      ...this.operation("embeddings"),
      ask: async (client, _exchange, span) => {
        const body = { model, input, encoding_format: "float" };
        return described(span, embeddingFacts(await client.post("/embeddings", { body })));
      },
    });
  }

  private modelPage(run: Run, facts: LlmFacts, after: string | undefined): Promise<ModelPage | CheckFailure> {
    // Both names are in use for the same thing.
    const query = after === undefined ? {} : { after, after_id: after };
    return this.call(run, facts, {
      name: "GET",
      attributes: {
        ...this.#server,
        [attr.httpRequestMethod]: "GET",
        [attr.urlFull]: cleanText(`${this.#options.baseUrl.replace(/\/$/, "")}/models`),
      },
      ask: async (client, exchange) => {
        try {
          return modelPage(await client.get("/models", { query }));
        } catch (error) {
          const failure = exchange.failure(error);
          if (failure instanceof CheckFailure && listless.has(exchange.answer?.status)) return failure;
          throw failure;
        }
      },
    });
  }

  /** Asks once more by the other name of the limit when the server refuses the first, and remembers which it knows. */
  private async generate(
    run: Run,
    facts: LlmFacts,
    ask: (client: Client, body: Readonly<Record<string, unknown>>, exchange: LlmExchange) => Promise<LlmFacts>,
  ): Promise<LlmFacts> {
    const { model, prompt = defaultText, maxTokens, mode } = this.#options;
    const messages = [{ role: "user", content: prompt }];
    let refused = false;
    const attempt = (limit: TokenLimit): Promise<LlmFacts> =>
      this.call(run, facts, {
        ...this.operation("chat"),
        isStreamed: mode === "stream",
        ask: async (client, exchange, span) => {
          try {
            return described(span, await ask(client, { model, messages, [limit]: maxTokens }, exchange));
          } catch (error) {
            refused = exchange.answer !== undefined && refusesParameter(exchange.answer, limit);
            throw error;
          }
        },
      });
    try {
      const found = await attempt(this.#tokenLimit);
      // Who does not know the newer name may also pass over it, and then answers as long as it likes.
      if (Number(found.output_tokens) > maxTokens) this.#tokenLimit = "max_tokens";
      return found;
    } catch (error) {
      if (!refused || run.signal.aborted) throw error;
      this.#tokenLimit = this.#tokenLimit === "max_tokens" ? "max_completion_tokens" : "max_tokens";
      return attempt(this.#tokenLimit);
    }
  }

  private operation(operation: "chat" | "embeddings"): Pick<Call<unknown>, "name" | "attributes"> {
    const { model = "", maxTokens, mode } = this.#options;
    return {
      name: `${operation} ${cleanText(model)}`,
      attributes: {
        ...this.#server,
        [attr.genAiOperationName]: operation,
        [attr.genAiProviderName]: "openai",
        [attr.genAiRequestModel]: model,
        ...(operation === "chat" && { [attr.genAiRequestMaxTokens]: maxTokens }),
        ...(mode === "stream" && { [attr.genAiRequestStream]: true }),
      },
    };
  }

  /** One request in a span of its own. What the answer's head tells goes to `facts`, whatever becomes of the rest. */
  private async call<Result>(run: Run, facts: LlmFacts, { name, attributes, isStreamed = false, ask }: Call<Result>) {
    const { signal, timeoutMs, trace } = run;
    // Before the span begins: loading the package takes longer than most answers, and is no part of the call.
    const [endpoint, { OpenAI }] = await Promise.all([this.endpoint(), loadPackage()]);
    return trace.client(name, attributes, async (span) => {
      const exchange = new LlmExchange(endpoint, span, signal, isStreamed);
      try {
        return await ask(this.client(OpenAI, exchange, timeoutMs), exchange, span);
      } catch (error) {
        throw exchange.failure(error);
      } finally {
        Object.assign(facts, rateLimitFacts(exchange));
        exchange.close();
      }
    });
  }

  /** Everything is said, so that nothing is taken from the environment; headers and deadline are the exchange's. */
  private client(Constructor: typeof OpenAI, exchange: LlmExchange, timeoutMs: number): Client {
    const options = {
      baseURL: this.#options.baseUrl,
      apiKey: "sent by the exchange",
      adminAPIKey: null,
      organization: null,
      project: null,
      webhookSecret: null,
      maxRetries: 0,
      // The run's own deadline comes first.
      timeout: 2 * timeoutMs,
      logLevel: "off",
      fetch: exchange.fetch,
    } as const;
    return withoutAmbientHeaders(() => new Constructor(options));
  }

  private async endpoint(): Promise<LlmEndpoint> {
    if (this.#endpoint) return this.#endpoint;
    const { baseUrl, apiKey, organization, headers = {}, tls = {} } = this.#options;
    const url = new URL(baseUrl);
    const given = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
    const ours = {
      accept: "application/json, text/event-stream",
      ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
      ...(organization !== undefined && { "openai-organization": organization }),
    };
    const kept = Object.entries(ours).filter(([name]) => !given.has(name));
    const dialer = url.protocol === "https:" ? await createDialer(tls, hostOf(url)) : undefined;
    const isAnonymous = apiKey === undefined && given.size === 0;
    this.#endpoint = { isAnonymous, headers: { ...Object.fromEntries(kept), ...headers }, tls, dialer };
    return this.#endpoint;
  }
}

const loadSecureSocket = lateModule(() => import("./secure-socket.js"));
const loadPackage = latePackage("openai@6", () => import("openai"));

async function createDialer(tls: NonNullable<LlmOptions["tls"]>, host: string) {
  const { createSecureDialer } = await loadSecureSocket();
  return createSecureDialer(tls, host, ["http/1.1"]);
}

/**
 * Of all variables the package reads `OPENAI_CUSTOM_HEADERS` whatever it is told, and throws, quoting it, at what is no
 * header. Nothing else can run meanwhile: `construct` is synchronous.
 */
function withoutAmbientHeaders<Result>(construct: () => Result): Result {
  const { OPENAI_CUSTOM_HEADERS: ambient } = process.env;
  if (ambient === undefined) return construct();
  delete process.env.OPENAI_CUSTOM_HEADERS;
  try {
    return construct();
  } finally {
    process.env.OPENAI_CUSTOM_HEADERS = ambient;
  }
}

function described(span: ClientSpan, facts: LlmFacts): LlmFacts {
  const { model, input_tokens: input, output_tokens: output } = facts;
  span.set({
    // Of a longer text the end would be cut off, and the half of a secret is found by no scrubber.
    ...(typeof model === "string" && model.length <= maxModelLength && { [attr.genAiResponseModel]: cleanText(model) }),
    ...(typeof input === "number" && { [attr.genAiUsageInputTokens]: input }),
    ...(typeof output === "number" && { [attr.genAiUsageOutputTokens]: output }),
  });
  return facts;
}

function rateLimitFacts({ answer }: LlmExchange): LlmFacts {
  const value = answer?.headers["x-ratelimit-remaining-requests"];
  return typeof value === "string" && /^\d{1,15}$/.test(value) ? { rate_limit_remaining: Number(value) } : {};
}
