import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import {
  createPostgresTarget,
  type PostgresTargetOptions,
  PostgresTargetProblem,
} from "../../src/wire/postgres-target.js";

const problemOf = (options: PostgresTargetOptions): PostgresTargetProblem => {
  try {
    createPostgresTarget(options);
  } catch (error) {
    if (error instanceof PostgresTargetProblem) return error;
    throw error;
  }
  throw new Error("no problem found");
};

describe("a target from a url", () => {
  it.each([
    ["postgres://ann:pw@db:6432/shop", { host: "db", port: 6432, user: "ann", password: "pw", database: "shop" }],
    ["postgresql://ann@db", { host: "db", port: 5432, user: "ann", password: undefined, database: "ann" }],
    ["postgresql+asyncpg://ann:pw@db/shop", { host: "db", port: 5432, user: "ann", password: "pw", database: "shop" }],
    ["postgres://ann:pw@[::1]:6432/shop", { host: "::1", port: 6432, user: "ann", password: "pw", database: "shop" }],
    ["postgres://a%40b:p%2Fw%25@db/s%20h", { host: "db", port: 5432, user: "a@b", password: "p/w%", database: "s h" }],
    [
      "postgres://ann:pw@/shop?host=/run/postgresql",
      { host: "/run/postgresql", port: 5432, user: "ann", password: "pw", database: "shop" },
    ],
    [
      "postgres:///shop?host=db&port=7&user=ann&password=pw",
      { host: "db", port: 7, user: "ann", password: "pw", database: "shop" },
    ],
  ])("reads %s", (url, parts) => {
    expect(createPostgresTarget({ url })).toMatchObject({ ...parts, tls: undefined });
  });

  it("leaves out what is the application's business", () => {
    const url = "postgres://ann@db/shop?schema=public&connection_limit=5&pool_timeout=2&application_name=x";
    expect(createPostgresTarget({ url })).toEqual(createPostgresTarget({ url: "postgres://ann@db/shop" }));
  });

  it("hands on the startup options that it asks for", () => {
    const url = "postgres://ann@db/shop?options=-c%20search_path%3Dsales";
    expect(createPostgresTarget({ url }).startupOptions).toBe("-c search_path=sales");
  });

  it.each([
    ["not a url", /is no url/],
    ["mysql://ann@db/shop", /another scheme/],
    ["postgres://db/shop", /names no user/],
    ["postgres://ann@/shop", /names no host/],
    ["postgres://ann:pw@a:1,b:2/shop", /several hosts/],
    ["postgres://ann:pw@db/shop?host=a,b", /several hosts/],
    ["postgres://ann@db/shop?port=70000", /port/],
    ["postgres://ann:100%@db/shop", /%25/],
    ["postgres://ann@db/shop?sslmode=prefer", /sslmode=disable/],
    ["postgres://ann@db/shop?sslmode=allow", /sslmode=disable/],
    ["postgres://ann@db/shop?sslmode=constructor", /sslmode=disable/],
    ["postgres://ann@db/shop?sslmode=verify-ca", /tls: \{ ca/],
    ["postgres://ann@db/shop?sslmode=require&sslrootcert=/etc/ca.pem", /\$\{file:/],
    ["postgres://ann@db/shop?sslmode=require&sslkey=/etc/key.pem", /\$\{file:/],
  ])("refuses %s", (url, message) => {
    expect(problemOf({ url })).toMatchObject({ option: "url", message: expect.stringMatching(message) });
  });

  it("shows no part of a refused url", () => {
    for (const url of [
      "postgres://ann:planted@a,b/x",
      "planted",
      "mysql://ann:planted@db/x",
      "postgres://ann:planted%@db",
    ]) {
      expect(inspect(problemOf({ url }), { depth: 9 }).split("\n")[0]).not.toContain("planted");
    }
  });
});

describe("a target from parts", () => {
  it("has the default port and the database named like the user", () => {
    expect(createPostgresTarget({ host: "db", user: "ann" })).toMatchObject({ port: 5432, database: "ann" });
  });

  it("says that the user has no default", () => {
    expect(problemOf({ host: "db" })).toMatchObject({ option: "user", message: expect.stringMatching(/no default/) });
  });

  it("refuses neither, and both", () => {
    expect(problemOf({ user: "ann" })).toMatchObject({ option: "url" });
    expect(problemOf({ url: "postgres://ann@db", user: "ann" })).toMatchObject({ option: "user" });
    expect(problemOf({ url: "postgres://ann@db", password: "x" })).toMatchObject({ option: "password" });
  });
});

describe("what sslmode asks for", () => {
  const tlsOf = (mode: string, tls?: PostgresTargetOptions["tls"]) =>
    createPostgresTarget({ url: `postgres://ann@db/shop?${mode}`, tls }).tls;

  it("is plain text for disable and ssl=false", () => {
    expect(tlsOf("sslmode=disable")).toBeUndefined();
    expect(tlsOf("ssl=false")).toBeUndefined();
  });

  it("is encryption without verification for require and no-verify, as libpq has it", () => {
    expect(tlsOf("sslmode=require")?.options()).toMatchObject({ rejectUnauthorized: false });
    expect(tlsOf("sslmode=no-verify", {})?.options()).toMatchObject({ rejectUnauthorized: false });
  });

  it("is verification for require with `tls`, verify-full, ssl=true and sslrootcert=system", () => {
    for (const tls of [
      tlsOf("sslmode=require", {}),
      tlsOf("sslmode=verify-full"),
      tlsOf("ssl=true"),
      tlsOf("sslrootcert=system"),
      tlsOf("sslmode=require&sslrootcert=system", {}),
    ]) {
      expect(tls?.options()).toMatchObject({ rejectUnauthorized: true });
      expect(tls?.options().checkServerIdentity).toBeUndefined();
    }
  });

  it("names the server as `tls.serverName` says", () => {
    expect(tlsOf("sslmode=verify-full")?.serverName).toBe("db");
    expect(tlsOf("sslmode=verify-full", { serverName: "db.example" })?.serverName).toBe("db.example");
  });

  it("must not contradict `tls`", () => {
    const url = (mode: string) => `postgres://ann@db/shop?sslmode=${mode}`;
    expect(problemOf({ url: url("disable"), tls: {} })).toMatchObject({ option: "tls" });
    expect(problemOf({ url: url("verify-full"), tls: { insecureSkipVerify: true } })).toMatchObject({ option: "tls" });
  });

  it("reads certificates once, and says when they are none", () => {
    const tls = tlsOf("sslmode=verify-full");
    expect(tls?.options()).toBe(tls?.options());
    const broken = tlsOf("sslmode=verify-full", { cert: "none", key: "none" });
    expect(() => broken?.options()).toThrow(expect.objectContaining({ reason: "tls" }));
  });
});
