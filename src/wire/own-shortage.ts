import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";

/**
 * The error with which the system refuses `count` more file descriptors to this process; undefined where it grants them.
 * Resolvers and module loaders hide it: a socket that c-ares does not get is "refused", a file that is not opened "not
 * found". Costs 2 µs for each, so it is asked where something has failed already, or is done once.
 */
export function descriptorShortage(count = 1): NodeJS.ErrnoException | undefined {
  const taken: number[] = [];
  try {
    while (taken.length < count) taken.push(openSync(devNull, "r"));
    return undefined;
  } catch (error) {
    return isDescriptorShortage(error) ? error : undefined;
  } finally {
    for (const descriptor of taken) closeSync(descriptor);
  }
}

function isDescriptorShortage(error: unknown): error is NodeJS.ErrnoException {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return code === "EMFILE" || code === "ENFILE";
}
