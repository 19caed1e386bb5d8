/** `web-2` before `web-10`. Made for the first page, as the formats of numbers are. */
let collator: Intl.Collator | undefined;

let last: { readonly names: readonly string[]; readonly sorted: readonly string[] } = { names: [], sorted: [] };

/**
 * Names as a person looks for them. The last answer is remembered: sorting 10,000 names took 100 ms of the page's 120,
 * and they are nearly always those of the last look.
 */
export function sortedNames(names: readonly string[]): readonly string[] {
  const isSame = names.length === last.names.length && names.every((name, index) => name === last.names[index]);
  if (isSame) return last.sorted;
  collator ??= new Intl.Collator("en", { numeric: true });
  last = { names: [...names], sorted: [...names].sort(collator.compare) };
  return last.sorted;
}
