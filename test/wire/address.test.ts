import { describe, expect, it } from "vitest";
import { parseAddress } from "../../src/wire/address.js";

describe("parseAddress", () => {
  it.each([
    ["db:5432", { host: "db", port: 5432 }],
    ["10.0.0.1:80", { host: "10.0.0.1", port: 80 }],
    ["[::1]:443", { host: "::1", port: 443 }],
    ["[fe80::1%eth0]:443", { host: "fe80::1%eth0", port: 443 }],
  ])("reads %s", (text, address) => {
    expect(parseAddress(text)).toEqual(address);
  });

  it.each(["db", "db:", ":80", "db:0", "db:65536", "::1:80", "user@db:80", "http://db:80", "db:80/", "d b:80"])(
    "refuses %j",
    (text) => {
      expect(parseAddress(text)).toBeUndefined();
    },
  );
});
