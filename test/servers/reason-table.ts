import { readFile } from "node:fs/promises";

/** The table of a kind's page: condition → reason, as people read it. */
export async function reasonTable(kind: string): Promise<Readonly<Record<string, string>>> {
  const page = await readFile(new URL(`../../docs/kinds/${kind}.md`, import.meta.url), "utf8");
  const section = /## Reasons\n([\s\S]*?)\n## /.exec(page)?.[1] ?? "";
  const rows = [...section.matchAll(/^\| (.+) \| `(\w+)` \|$/gm)];
  return Object.fromEntries(rows.map(([, condition = "", reason = ""]) => [condition, reason]));
}
