import { describe, expect, it } from "vitest";
import { createGrpcTarget, headersOf } from "../../src/wire/grpc-target.js";

const target = (metadata: Readonly<Record<string, string>> = {}) =>
  createGrpcTarget({ socket: { host: "a", port: 1 }, address: "a:1", isSecure: false, service: "s", metadata });

describe("the headers of a call", () => {
  it("say what gRPC asks for, how long we wait, and the trace", () => {
    expect(headersOf(target(), 2_999.5, "00-a-b-01")).toEqual({
      ":method": "POST",
      ":scheme": "http",
      ":authority": "a:1",
      ":path": "/grpc.health.v1.Health/Check",
      "content-type": "application/grpc",
      te: "trailers",
      "user-agent": expect.stringMatching(/^healthspan\//),
      traceparent: "00-a-b-01",
      "grpc-timeout": "3000m",
    });
  });

  it("carry the user's metadata in small letters, never indexed, ahead of ours", () => {
    const given = target({ Authorization: "x", "User-Agent": "mine", Traceparent: "theirs" });
    expect(headersOf(given, 1, "ours")).toMatchObject({
      authorization: "x",
      "user-agent": "mine",
      traceparent: "theirs",
    });
    expect(given.sensitiveHeaders).toEqual(["authorization", "user-agent", "traceparent"]);
  });

  it("have no trace where there is none, and no timeout of more than eight digits", () => {
    const headers = headersOf(target(), 1e12, undefined);
    expect(headers).not.toHaveProperty("traceparent");
    expect(headers["grpc-timeout"]).toBe("99999999m");
  });
});
