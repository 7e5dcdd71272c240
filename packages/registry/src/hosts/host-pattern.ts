/** Decides whether a registry host (lower case, with its port) is the one that an entry is about. */
export interface HostMatcher {
  /** The higher, the more specific. */
  readonly rank: number;
  matches(host: string): boolean;
}

const EXACT = 3_000;
const ANY_PORT = 2_000;
const SUBDOMAINS = 0;

/** `host`, `host:port`, `host:*` (any port or none) or `*.domain` (any depth below it, no port). */
export function hostMatcher(pattern: string): HostMatcher {
  const wanted = pattern.toLowerCase();
  if (wanted.startsWith('*.')) return subdomains(wanted.slice(1));
  if (!wanted.endsWith(':*')) return { rank: EXACT, matches: (host) => host === wanted };
  const name = wanted.slice(0, -2);
  return { rank: ANY_PORT, matches: (host) => withoutPort(host) === name };
}

function subdomains(suffix: string): HostMatcher {
  const anyPort = suffix.endsWith(':*');
  const tail = anyPort ? suffix.slice(0, -2) : suffix;
  const rank = SUBDOMAINS + tail.length;
  return { rank, matches: (host) => (anyPort ? withoutPort(host) : host).endsWith(tail) };
}

/** The host as a connection has it: without HTTPS's own port, an address in its one form. As written if it is no host. */
export function normalHost(host: string): string {
  return URL.parse(`https://${host}`)?.host ?? host;
}

/** The host of `host:port`; bracketed IPv6 keeps its colons. */
export function withoutPort(host: string): string {
  const colon = host.lastIndexOf(':');
  return colon > host.lastIndexOf(']') ? host.slice(0, colon) : host;
}
