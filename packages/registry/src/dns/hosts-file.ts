import { isIP } from 'node:net';
import type { LookupAddress } from 'node:dns';

/** The addresses of a hosts file, by host name in lower case. */
export type HostsFile = ReadonlyMap<string, readonly LookupAddress[]>;

/**
 * Parses a hosts file. A name on several lines has all their addresses, as glibc returns them.
 *
 * @see https://man7.org/linux/man-pages/man5/hosts.5.html
 * @example 10.1.2.3	registry.corp	registry
 */
export function parseHostsFile(text: string): HostsFile {
  const addresses = new Map<string, LookupAddress[]>();
  for (const line of text.split('\n')) {
    const [content = ''] = line.split('#');
    const [address = '', ...names] = content.trim().split(/\s+/);
    const family = isIP(address);
    if (family === 0) continue;
    for (const name of names.map((text) => text.toLowerCase())) {
      const known = addresses.get(name) ?? [];
      if (!known.some((other) => other.address === address)) known.push({ address, family });
      addresses.set(name, known);
    }
  }
  return addresses;
}
