/** Writes schema/config.schema.json from the config's schemas and the kinds. */
import { join } from "node:path";
import { configJsonSchema } from "../src/config/config-schema.js";
import { root, writeOrCompare } from "./generated-file.js";

writeOrCompare(join(root, "schema/config.schema.json"), `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
