import { CheckFailure } from "../check.js";
import { networkFailure } from "./network-failure.js";
import { descriptorShortage } from "./own-shortage.js";

/** The largest client opens its files by the dozen. */
const descriptorsToLoad = 64;

/**
 * A module that the first run loads, unless this process is short of file descriptors then: what Node does not find for
 * want of one it never looks for again, and a shortage of a second would fail the check until the next start. Kept once
 * it is there, because resolving an import anew costs as much as a part of a run.
 */
export function lateModule<Module>(load: () => Promise<Module>): () => Promise<Module> {
  let loaded: Module | undefined;
  return async () => {
    if (loaded) return loaded;
    const shortage = descriptorShortage(descriptorsToLoad);
    if (shortage) throw networkFailure(shortage);
    loaded = await load();
    return loaded;
  };
}

/** The same for a client's package, which may not be installed: `name` and the major version that is meant, `pg@8`. */
export function latePackage<Module>(wanted: string, load: () => Promise<Module>): () => Promise<Module> {
  const loadOnce = lateModule(load);
  return async () => {
    try {
      return await loadOnce();
    } catch (cause) {
      if (cause instanceof CheckFailure) throw cause;
      const name = wanted.slice(0, wanted.lastIndexOf("@"));
      const message = `the package \`${name}\` cannot be loaded; install it: \`npm install ${wanted}\``;
      const detail = cause instanceof Error ? cause.message : String(cause);
      throw new CheckFailure("internal", message, { cause, detail });
    }
  };
}
