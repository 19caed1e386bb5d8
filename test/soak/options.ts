import { parseArgs } from "node:util";

export const usage = `Usage: npm run soak [-- OPTIONS]

  --minutes N      how long (10); 60 sees six times finer
  --kinds a,b      some of them; all that this machine has servers for unless said
  --real-milvus    Milvus itself instead of a stand-in that speaks its protocol: a machine has room for one
  --seed N         the order of the faults (1)
  --out FILE       JSON lines: the conditions, every sample, the verdicts
  --node="FLAGS"   further flags of Node for the agent, to look into a rise: --heapsnapshot-signal=SIGUSR2
  --plant LEAK     memory or files: plants a leak, to see that the soak finds it`;

export interface SoakOptions {
  readonly minutes: number;
  /** All unless said. */
  readonly kinds: readonly string[] | undefined;
  readonly realMilvus: boolean;
  readonly seed: number;
  readonly out: string | undefined;
  readonly node: readonly string[];
  readonly plant: "memory" | "files" | undefined;
}

/** Undefined where help is asked for. @throws on an option that there is not. */
export function readOptions(args: readonly string[]): SoakOptions | undefined {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: "string", default: "10" },
      kinds: text,
      "real-milvus": flag,
      seed: { type: "string", default: "1" },
      out: text,
      node: text,
      plant: text,
      help: flag,
    },
  });
  if (values.help) return undefined;
  const { plant } = values;
  if (plant !== undefined && plant !== "memory" && plant !== "files")
    throw new Error(`nothing to plant is named ${plant}; write --plant memory or --plant files`);
  return {
    minutes: positive("--minutes", values.minutes),
    kinds: values.kinds?.split(","),
    realMilvus: values["real-milvus"],
    seed: positive("--seed", values.seed),
    out: values.out,
    node: values.node?.split(" ") ?? [],
    plant,
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${name} is ${text}; write a number above 0`);
  return value;
}
