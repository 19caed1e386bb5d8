import { describe, expect, it } from "vitest";
import { CommandFailure, exitCode, failureExitCode, statusExitCode, usageExitCode } from "../../src/cli/exit.js";
import { worstStatus } from "../../src/cli/statuses.js";

describe("exit codes", () => {
  it("are those of monitoring plugins for a status", () => {
    expect(statusExitCode).toEqual({ healthy: 0, degraded: 1, unhealthy: 2, unknown: 3 });
  });

  it("never make a wrong command line look like a finding", () => {
    for (const command of ["check", "validate"]) expect(usageExitCode(command)).toBe(3);
    for (const command of ["run", "schema", "nonsense", undefined]) expect(usageExitCode(command)).toBe(64);
  });

  it("of a failure depend on the command unless it names one", () => {
    expect(failureExitCode("check", new CommandFailure("no file"))).toBe(3);
    expect(failureExitCode("run", new CommandFailure("no file"))).toBe(1);
    expect(failureExitCode("check", new CommandFailure("bug", exitCode.internal))).toBe(70);
  });
});

describe("the worst status", () => {
  it("is unknown before unhealthy before degraded before healthy", () => {
    expect(worstStatus([])).toBe("healthy");
    expect(worstStatus(["healthy", "degraded", "healthy"])).toBe("degraded");
    expect(worstStatus(["unhealthy", "degraded"])).toBe("unhealthy");
    expect(worstStatus(["unhealthy", "unknown"])).toBe("unknown");
  });
});
