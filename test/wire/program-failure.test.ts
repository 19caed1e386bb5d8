import { describe, expect, it } from "vitest";
import { startFailure } from "../../src/wire/program-failure.js";

const coded = (code: string): Error => Object.assign(new Error(`spawn x ${code}`), { code });

describe("why a program could not be started", () => {
  it.each([
    ["ENOENT", "not_found", "the program does not exist (ENOENT)"],
    ["EACCES", "auth", "the program may not be used by the agent (EACCES)"],
    ["ENOEXEC", "protocol", "the program is nothing that this system can run (ENOEXEC)"],
    ["ETXTBSY", "unavailable", "the program is being written to at this moment (ETXTBSY)"],
    ["EAGAIN", "overloaded", "the program cannot be started: this host has no room for another process (EAGAIN)"],
    ["ENOMEM", "overloaded", "the program cannot be started: this host has no memory left (ENOMEM)"],
    ["EMFILE", "internal", "the program cannot be started: this process has too many files open (EMFILE)"],
    ["ENFILE", "internal", "the program cannot be started: this host has too many files open (ENFILE)"],
    ["E2BIG", "unexpected", "the program cannot be started (E2BIG)"],
  ])("%s is %s", (code, reason, message) => {
    expect(startFailure(coded(code), "the program")).toMatchObject({ reason, message, detail: `spawn x ${code}` });
  });

  it("is unexpected when the system gives no code", () => {
    expect(startFailure("odd", "the program")).toMatchObject({ reason: "unexpected", detail: "odd" });
  });
});
