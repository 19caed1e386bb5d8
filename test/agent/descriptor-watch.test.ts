import { expect, it } from "vitest";
import { watchDescriptors } from "../../src/agent/descriptor-watch.js";
import type { Log } from "../../src/log.js";
import { FakeClock } from "../engine/fake-clock.js";

it("a shortage of file descriptors is said once when it begins and once when it ends", async () => {
  const clock = new FakeClock();
  const said: string[] = [];
  const say = (level: string) => (_fields: object, message: string) => void said.push(`${level}: ${message}`);
  const log: Log = { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
  let error: NodeJS.ErrnoException | undefined;
  const stop = watchDescriptors(log, { clock, shortage: () => error });
  await clock.advance(60_000);
  expect(said).toEqual([]);
  error = Object.assign(new Error("too many open files"), { code: "EMFILE" });
  await clock.advance(60_000);
  error = undefined;
  await clock.advance(60_000);
  expect(said).toEqual([
    expect.stringMatching(
      /^error: this process has too many files open: .*; allow it more \(ulimit -n, LimitNOFILE\)$/,
    ),
    "info: files can be opened again",
  ]);
  stop();
  expect(clock.pending).toBe(0);
});
