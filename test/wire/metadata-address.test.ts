import { describe, expect, it } from "vitest";
import { isMetadataAddress } from "../../src/wire/metadata-address.js";

describe("a metadata address", () => {
  it.each([
    "169.254.169.254",
    "169.254.0.1",
    "169.254.255.255",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "64:ff9b::a9fe:a9fe",
    "fe80::1",
    "fe80::1%eth0",
    "febf:ffff::1",
    "fd00:ec2::254",
    "fd00:0ec2:0:0:0:0:0:254",
  ])("is %s", (address) => {
    expect(isMetadataAddress(address)).toBe(true);
  });

  it.each(["169.253.255.255", "169.255.0.0", "127.0.0.1", "::1", "fec0::1", "fd00:ec2::253", "::ffff:10.0.0.1"])(
    "is not %s",
    (address) => {
      expect(isMetadataAddress(address)).toBe(false);
    },
  );
});
