import type { LookupAddress } from 'node:dns';
import type { NetworkInterfaceInfo } from 'node:os';
import ipaddr from 'ipaddr.js';

const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Returns the address families to look up, the preferred one first. If the machine has addresses of only one family,
 * loopback aside, the other one is not queried (AI_ADDRCONFIG of getaddrinfo). IPv6 is preferred if the machine has a global
 * IPv6 address or no IPv4 address (RFC 6724).
 */
export function addressFamilies(interfaces: readonly NetworkInterfaceInfo[]): readonly (4 | 6)[] {
  const external = interfaces.filter(({ internal }) => !internal);
  const hasIpv4 = external.some(({ family }) => family === 'IPv4');
  const ipv6 = external.filter(({ family }) => family === 'IPv6');
  if (hasIpv4 && ipv6.length === 0) return [4];
  if (!hasIpv4 && ipv6.length > 0) return [6];
  return !hasIpv4 || ipv6.some(({ address }) => isGlobal(address)) ? [6, 4] : [4, 6];
}

function isGlobal(address: string): boolean {
  return ipaddr.IPv6.isValid(address) && ipaddr.IPv6.parse(address).match(GLOBAL_IPV6);
}

/** Returns the addresses of the given families, those of the preferred family first, each family in its order. */
export function orderAddresses(
  addresses: readonly LookupAddress[],
  families: readonly (4 | 6)[],
): readonly LookupAddress[] {
  return families.flatMap((family) => addresses.filter((address) => address.family === family));
}
