import ipaddr from 'ipaddr.js';
import { parseRange } from './ranges.ts';
import type { AddressRange } from './ranges.ts';

/** The prefix that networks with NAT64 use by default: https://www.rfc-editor.org/rfc/rfc6052#section-2.1 */
const WELL_KNOWN_PREFIX = '64:ff9b::/96';

/**
 * The positions of the four bytes of the IPv4 address, by length of the prefix. Byte 8 is reserved:
 * https://www.rfc-editor.org/rfc/rfc6052#section-2.2
 * @example 2001:db8:122:344::/64 and 192.0.2.33: 2001:db8:122:344:c0:2:2100::
 */
const IPV4_BYTES: Readonly<Record<number, readonly number[]>> = {
  32: [4, 5, 6, 7],
  40: [5, 6, 7, 9],
  48: [6, 7, 9, 10],
  56: [7, 9, 10, 11],
  64: [9, 10, 11, 12],
  96: [12, 13, 14, 15],
};

/** Parses a prefix for NAT64; undefined when it is invalid, or has a length that RFC 6052 does not define. */
export function parseNat64Prefix(text: string): AddressRange | undefined {
  const prefix = parseRange(text);
  return prefix?.[0].kind() === 'ipv6' && IPV4_BYTES[prefix[1]] !== undefined ? prefix : undefined;
}

/** Finds the IPv4 addresses to which NAT64 gateways translate IPv6 addresses. */
export class Nat64 {
  readonly #prefixes: readonly AddressRange[];

  /** @param prefixes the network's own prefixes in CIDR notation, in addition to the well-known one */
  constructor(prefixes: readonly string[]) {
    this.#prefixes = [...prefixes, WELL_KNOWN_PREFIX].map(parseNat64Prefix).filter((prefix) => prefix !== undefined);
  }

  /** Returns the embedded IPv4 address of a valid IPv6 address; undefined when no prefix matches. */
  embeddedIPv4(address: string): string | undefined {
    const parsed = ipaddr.process(address);
    if (parsed.kind() === 'ipv4') return undefined;
    const prefix = this.#prefixes.find(([base, bits]) => parsed.match(base, bits));
    if (prefix === undefined) return undefined;
    const bytes = parsed.toByteArray();
    return IPV4_BYTES[prefix[1]]?.map((position) => bytes[position]).join('.');
  }
}
