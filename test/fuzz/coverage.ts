import { type Profiler, Session } from "node:inspector";
import { promisify } from "node:util";

/**
 * Which inputs reach code that none before them did. V8's block coverage reports a block when it runs for the first
 * time, and then no more: an answer that names our code is news.
 */
export async function startCoverage(): Promise<{ hasNews(): Promise<boolean>; stop(): void }> {
  const session = new Session();
  session.connect();
  const post = promisify(session.post.bind(session)) as (method: string, params?: object) => Promise<unknown>;
  await post("Profiler.enable");
  await post("Profiler.startPreciseCoverage", { callCount: false, detailed: true });
  const seen = new Set<string>();
  return {
    async hasNews() {
      const { result } = (await post("Profiler.takePreciseCoverage")) as Profiler.TakePreciseCoverageReturnType;
      const before = seen.size;
      for (const { url, functions } of result)
        if (isOurs(url)) for (const each of functions) addBlocks(seen, url, each);
      return seen.size > before;
    },
    stop: () => session.disconnect(),
  };
}

/** The product, and the drivers that it hands a target's bytes to. */
const isOurs = (url: string): boolean =>
  /\/src\/(?!cli\/demo)/.test(url) ||
  /\/node_modules\/(yaml|pg-protocol|redis-parser|openai|express|router)\//.test(url);

function addBlocks(seen: Set<string>, url: string, { ranges }: Profiler.FunctionCoverage): void {
  for (const { startOffset, endOffset, count } of ranges) {
    if (count > 0) seen.add(`${url}:${startOffset}:${endOffset}`);
  }
}
