/** Matches registry hosts (lower case, with port) against the host pattern of an entry. */
export interface HostMatcher {
  /** The matcher with the highest rank is the most specific one. */
  readonly rank: number;
  matches(host: string): boolean;
}

const EXACT = 3_000;
const ANY_PORT = 2_000;
const SUBDOMAINS = 0;

/** Parses `host`, `host:port`, `host:*` (any port or none) or `*.domain` (any depth below it, no port). */
export function createHostMatcher(pattern: string): HostMatcher {
  const lowerCase = pattern.toLowerCase();
  if (lowerCase.startsWith('*.')) return createSubdomainMatcher(lowerCase.slice(1));
  if (!lowerCase.endsWith(':*')) return { rank: EXACT, matches: (host) => host === lowerCase };
  const name = lowerCase.slice(0, -2);
  return { rank: ANY_PORT, matches: (host) => removePort(host) === name };
}

function createSubdomainMatcher(suffix: string): HostMatcher {
  const anyPort = suffix.endsWith(':*');
  const tail = anyPort ? suffix.slice(0, -2) : suffix;
  const rank = SUBDOMAINS + tail.length;
  return { rank, matches: (host) => (anyPort ? removePort(host) : host).endsWith(tail) };
}

/** Returns the normalized host: without port 443, addresses in canonical form. Returns an invalid host unchanged. */
export function normalizeHost(host: string): string {
  return URL.parse(`https://${host}`)?.host ?? host;
}

/** Returns the host of `host:port`. Handles bracketed IPv6 addresses. */
export function removePort(host: string): string {
  const colon = host.lastIndexOf(':');
  return colon > host.lastIndexOf(']') ? host.slice(0, colon) : host;
}
