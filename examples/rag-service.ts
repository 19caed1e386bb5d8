/**
 * A retrieval service on Express. It is ready while it can do what it is for: embed a question, and search the Milvus
 * collection `knowledge_base`. Run it in a checkout with
 * `EMBEDDINGS_URL=http://localhost:11434/v1 EMBEDDINGS_MODEL=all-minilm npx tsx examples/rag-service.ts`.
 */
import express, { type Express } from "express";
import { createHealth, type Health } from "healthspan";
import { llm } from "healthspan/kinds/llm";
import { milvus } from "healthspan/kinds/milvus";
import { system } from "healthspan/kinds/system";

export interface Settings {
  readonly milvus: { readonly address: string; readonly token?: string | undefined };
  readonly embeddings: { readonly baseUrl: string; readonly apiKey?: string | undefined; readonly model: string };
}

/** Length of the vectors that `knowledge_base` holds: another model would find nonsense, and say nothing. */
const dimensions = 384;

export function createRagHealth(settings: Settings): Health {
  return createHealth({ service: { name: "rag-api", version: "1.0.0" } })
    .register(milvus({ ...settings.milvus, collections: [{ name: "knowledge_base", loaded: true, minEntities: 1 }] }), {
      name: "milvus",
      critical: true,
      interval: "30s",
    })
    .register(
      // Each run is a paid call: one in five minutes, one at each start, and so many a day at most.
      llm({ ...settings.embeddings, mode: "embeddings", input: "ping", budget: { runsPerDay: 300 } }),
      {
        name: "embeddings",
        critical: true,
        interval: "5m",
        thresholds: { dimensions: { unhealthy: { below: dimensions, above: dimensions } } },
      },
    )
    .register(system(), { name: "machine" });
}

/** Finds what belongs to a question: its embedding, then a search in `knowledge_base`. */
export type Retrieve = (question: string) => Promise<readonly string[]>;

export function createApp(health: Health, retrieve: Retrieve): Express {
  const app = express();
  // The report tells the reasons to this machine only.
  app.use(health.probes({ report: true, trustLoopback: true }));
  // Without vectors or embeddings every answer would be wrong: 503 sends the client to a replica that has them.
  app.use(health.gate());
  app.post("/ask", express.json(), async (req, res) => {
    res.json({ passages: await retrieve(String(req.body?.question ?? "")) });
  });
  return app;
}

if (process.argv[1] === import.meta.filename) {
  const { env } = process;
  const health = createRagHealth({
    milvus: { address: env.MILVUS_ADDRESS ?? "localhost:19530", token: env.MILVUS_TOKEN },
    embeddings: {
      baseUrl: env.EMBEDDINGS_URL ?? "http://localhost:11434/v1",
      apiKey: env.EMBEDDINGS_KEY,
      model: env.EMBEDDINGS_MODEL ?? "all-minilm",
    },
  });
  health.on("change", ({ check, to, message }) =>
    process.stdout.write(`${check.policy.name} is ${to}${message ? `: ${message}` : ""}\n`),
  );
  const server = createApp(health, async () => []).listen(8080, "127.0.0.1");
  await health.start();
  process.once("SIGTERM", async () => {
    health.drain();
    server.close();
    await health.stop();
  });
}
