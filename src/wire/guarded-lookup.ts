import { type LookupAddress, type LookupOptions, lookup } from "node:dns";
import { CheckFailure } from "../check.js";
import { isMetadataAddress } from "./metadata-address.js";

type LookupCallback = (error: Error | null, address: string | LookupAddress[], family?: number) => void;
type Waiting = (error: Error | null, found: readonly LookupAddress[]) => void;

/**
 * The `lookup` of every socket we open. It resolves a name and leaves metadata addresses out, at the moment of
 * connecting, so that no second answer slips in.
 */
export function guardedLookup(host: string, options: LookupOptions, callback: LookupCallback): void {
  lookupOnce(host, options, (error, found) => {
    if (error) return callback(error, []);
    const addresses = found.filter(({ address }) => !isMetadataAddress(address));
    const [first] = addresses;
    if (!first) return callback(new CheckFailure("dns", metadataMessage), []);
    if (options.all) return callback(null, addresses);
    return callback(null, first.address, first.family);
  });
}

const metadataMessage =
  "the name resolves to a link-local metadata address, where nothing connects unless the address itself is configured";

const underWay = new Map<string, Waiting[]>();

/**
 * One look-up of a name at a time. The system's resolver cannot be interrupted and has four threads for all: while it
 * hangs, runs that give up and start anew would otherwise queue one more each, and hold everybody up long after.
 */
function lookupOnce(host: string, options: LookupOptions, callback: Waiting): void {
  const key = `${options.family ?? 0} ${options.hints ?? 0} ${host}`;
  const others = underWay.get(key);
  if (others) {
    others.push(callback);
    return;
  }
  const waiting = [callback];
  underWay.set(key, waiting);
  lookup(host, { ...options, all: true }, (error, found) => {
    underWay.delete(key);
    for (const answer of waiting) answer(error, found);
  });
}
