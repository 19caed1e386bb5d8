import { describe, expect, it } from "vitest";
import { CheckFailure } from "../../src/check.js";
import { networkFailure } from "../../src/wire/network-failure.js";

const withCode = (code: string) => Object.assign(new Error(`connect ${code} with hunter2`), { code });

describe("networkFailure", () => {
  it.each([
    ["ENOTFOUND", "dns"],
    ["EAI_AGAIN", "dns"],
    ["ECONNREFUSED", "refused"],
    ["ECONNRESET", "network"],
    ["EPIPE", "network"],
    ["EHOSTUNREACH", "network"],
    ["ETIMEDOUT", "timeout"],
    ["EPROTO", "tls"],
    ["CERT_HAS_EXPIRED", "tls"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "tls"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "tls"],
    ["EMFILE", "internal"],
    ["ENFILE", "internal"],
    ["ENOMEM", "internal"],
    ["ENOBUFS", "internal"],
    ["ESOMETHING", "network"],
  ])("reads %s as %s, and publishes the code only", (code, reason) => {
    const failure = networkFailure(withCode(code));
    expect(failure.reason).toBe(reason);
    expect(failure.message).toContain(code);
    expect(failure.message).not.toContain("hunter2");
    expect(failure.detail).toContain("hunter2");
  });

  it("finds the code of a cause, and of the first of several attempts", () => {
    expect(networkFailure(new Error("fetch failed", { cause: withCode("ENOTFOUND") })).reason).toBe("dns");
    expect(networkFailure(new AggregateError([withCode("ECONNREFUSED"), withCode("ENETUNREACH")])).reason).toBe(
      "refused",
    );
  });

  it("passes the signal's own reason through", () => {
    const timeout = new CheckFailure("timeout", "no answer");
    expect(networkFailure(timeout)).toBe(timeout);
  });

  it("uses the fallback for an error without a code", () => {
    expect(networkFailure(new Error("?"), { fallback: "protocol" }).reason).toBe("protocol");
  });
});
