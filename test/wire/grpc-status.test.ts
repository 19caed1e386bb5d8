import { describe, expect, it } from "vitest";
import { decodeMessage, httpFailure, statusFailure, statusName } from "../../src/wire/grpc-status.js";

describe("a status", () => {
  it.each([
    ["1", "CANCELLED", "unavailable"],
    ["2", "UNKNOWN", "unexpected"],
    ["3", "INVALID_ARGUMENT", "unexpected"],
    ["4", "DEADLINE_EXCEEDED", "timeout"],
    ["5", "NOT_FOUND", "not_found"],
    ["7", "PERMISSION_DENIED", "auth"],
    ["8", "RESOURCE_EXHAUSTED", "overloaded"],
    ["12", "UNIMPLEMENTED", "protocol"],
    ["13", "INTERNAL", "unexpected"],
    ["14", "UNAVAILABLE", "unavailable"],
    ["16", "UNAUTHENTICATED", "auth"],
  ])("%s is %s: %s", (code, name, reason) => {
    expect(statusName(code)).toBe(name);
    const failure = statusFailure(code, "down%20there");
    expect(failure).toMatchObject({ reason, detail: "down there" });
    expect(failure.message).toContain(`(${name})`);
    expect(failure.message).not.toContain("down");
  });

  it.each(["17", "99", "05", "-1", "", "0, 0", "OK", "1e1"])("%j is none", (code) => {
    expect(statusName(code)).toBeUndefined();
    expect(statusFailure(code, undefined)).toMatchObject({ reason: "protocol", detail: undefined });
  });
});

describe("a grpc-message", () => {
  it.each([
    ["plain", "plain"],
    ["100%25 p%C3%A9rim%C3%A9", "100% périmé"],
    ["50% of %zz and %", "50% of %zz and %"],
    ["%FF", "\ufffd"],
    ["a%0D%0Ab%1B[31m", "a b [31m"],
  ])("%j reads %j", (encoded, text) => {
    expect(decodeMessage(encoded)).toBe(text);
  });

  it("is cut off where it is too long to show", () => {
    expect(decodeMessage("x".repeat(10_000))).toHaveLength(256);
  });
});

describe("plain HTTP", () => {
  it.each([
    [400, "protocol"],
    [401, "auth"],
    [403, "auth"],
    [404, "protocol"],
    [429, "overloaded"],
    [500, "protocol"],
    [502, "unavailable"],
    [503, "unavailable"],
    [504, "unavailable"],
  ])("%d is %s", (status, reason) => {
    expect(httpFailure(status)).toMatchObject({ reason, message: `HTTP ${status} instead of a gRPC answer` });
  });
});
