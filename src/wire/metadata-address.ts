import { BlockList, isIPv6 } from "node:net";

/**
 * Where clouds keep their instance metadata, credentials included: link-local IPv4 and IPv6, and the one unique local
 * address that EC2 uses. An IPv4 address inside an IPv6 one (`::ffff:169.254.169.254`, NAT64) counts as the IPv4 one.
 */
const metadataAddresses = new BlockList();
metadataAddresses.addSubnet("169.254.0.0", 16, "ipv4");
metadataAddresses.addSubnet("fe80::", 10, "ipv6");
metadataAddresses.addSubnet("64:ff9b::169.254.0.0", 112, "ipv6");
metadataAddresses.addAddress("fd00:ec2::254", "ipv6");

/** Whether nothing may connect there unless the configuration names the address itself. */
export function isMetadataAddress(address: string): boolean {
  // A zone (`fe80::1%eth0`) is no part of the address.
  const [bare = address] = address.split("%", 1);
  return metadataAddresses.check(bare, isIPv6(bare) ? "ipv6" : "ipv4");
}
