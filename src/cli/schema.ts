import { configJsonSchema } from "../config/config-schema.js";

/** `healthspan schema`: the JSON Schema of a configuration, every kind's options in it. */
export async function schema(): Promise<void> {
  process.stdout.write(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`);
}
