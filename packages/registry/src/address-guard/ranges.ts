import ipaddr from 'ipaddr.js';

/** An address range in CIDR notation, parsed. */
export type AddressRange = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/**
 * Address ranges that the guard refuses, unless the registries file allows them for a host. The list does not contain
 * private ranges (RFC 1918, unique local), because in-cluster registries use them. Administrators add the ranges of
 * their cluster in the registries file. IANA's registries of special addresses:
 * https://www.iana.org/assignments/iana-ipv4-special-registry and …-ipv6-….
 */
export const REFUSED_RANGES: readonly string[] = [
  '0.0.0.0/8', // "this network": Linux connects 0.0.0.0 to loopback
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local, and the metadata services of AWS, Azure, GCP
  '100.100.100.200/32', // metadata service of Alibaba Cloud
  '168.63.129.16/32', // host services of Azure
  '192.0.0.0/24', // protocol assignments, and the metadata service of Oracle Cloud
  '192.88.99.0/24', // 6to4 relays
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
  '::/96', // unspecified, loopback, IPv4-compatible
  '::ffff:0:0:0/96', // IPv4-translated (SIIT)
  '64:ff9b:1::/48', // NAT64 of a network that the registries file does not describe
  '100::/64', // discard
  '2001::/32', // Teredo
  '2002::/16', // 6to4: an IPv4 address in disguise
  'fd00:ec2::254/128', // metadata service of AWS
  'fd20:ce::254/128', // metadata service of GCP
  'fe80::/10', // link-local
  'fec0::/10', // site-local, deprecated
  'ff00::/8', // multicast
];

/** Parses a range in CIDR notation; undefined when it is invalid. */
export function parseRange(text: string): AddressRange | undefined {
  return ipaddr.isValidCIDR(text) ? ipaddr.parseCIDR(text) : undefined;
}

/** Whether an address is in one of the ranges. IPv4-mapped IPv6 addresses count as IPv4 addresses. */
export function isInRanges(address: string, ranges: readonly AddressRange[]): boolean {
  return findRange(address, ranges) !== undefined;
}

/** Returns the first of the ranges that contains an address. IPv4-mapped IPv6 addresses count as IPv4 addresses. */
export function findRange(address: string, ranges: readonly AddressRange[]): AddressRange | undefined {
  const parsed = ipaddr.process(address);
  return ranges.find(([base, bits]) => parsed.kind() === base.kind() && parsed.match(base, bits));
}

/** Returns a range in CIDR notation. */
export function formatRange([base, bits]: AddressRange): string {
  return `${base.toString()}/${bits}`;
}

/** The characters of an IPv4 address in all forms that the parser accepts, also hexadecimal ones. */
const IPV4_CHARACTERS = /^[0-9a-fx.]+$/iu;

/** Whether a text is an IP address that the guard can check. */
export function isAddress(text: string): boolean {
  // For names, the parser throws and catches an error, which takes up to 0.1 ms.
  if (!text.includes(':') && !IPV4_CHARACTERS.test(text)) return false;
  return ipaddr.isValid(text);
}
