/** Fields of an `INFO` or `CLUSTER INFO` answer by name. */
export type RedisInfo = ReadonlyMap<string, string>;

/** Real answers are below 20,000 characters; what a strange peer says beyond this is not looked at. */
const maxLength = 262_144;

/** Reads `name:value` lines; section headings, blank lines and anything else are skipped. */
export function parseRedisInfo(text: string): RedisInfo {
  const fields = new Map<string, string>();
  for (const line of text.slice(0, maxLength).split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon > 0 && !line.startsWith("#")) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

/** The number in a field; undefined when the field is absent or holds none. */
export function infoNumber(info: RedisInfo, field: string): number | undefined {
  const text = info.get(field);
  if (text === undefined || text.trim() === "") return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}
