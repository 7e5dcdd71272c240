/** Matches registry hosts (lower case, with port) against the host pattern of an entry. */
export interface HostMatcher {
  /** The matcher with the highest rank is the most specific one. */
  readonly rank: number;
  matches(host: string): boolean;
}

const EXACT = 3_000;
const ANY_PORT = 2_000;
const SUBDOMAINS = 0;

/**
 * The names of Docker Hub besides `docker.io`. All of them serve the same images.
 * https://github.com/distribution/reference/blob/v0.6.0/normalize.go (`index.docker.io`),
 * https://github.com/containerd/containerd/blob/v2.1.0/core/remotes/docker/registry.go (`registry-1.docker.io`)
 */
const DOCKER_HUB_NAMES: ReadonlySet<string> = new Set([
  'index.docker.io',
  'registry-1.docker.io',
  'registry.hub.docker.com',
]);

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

/**
 * Returns the normalized host, which is equal for all names of a registry: without port 443 and without a trailing dot,
 * addresses in canonical form, `docker.io` for all names of Docker Hub. Returns an invalid host unchanged.
 */
export function normalizeHost(host: string): string {
  const name = URL.parse(`https://${host}`)?.host.replace(/\.(?=$|:\d+$)/, '') ?? host;
  return DOCKER_HUB_NAMES.has(name) ? 'docker.io' : name;
}

/** Returns the host of `host:port`. Handles bracketed IPv6 addresses. */
export function removePort(host: string): string {
  const colon = host.lastIndexOf(':');
  return colon > host.lastIndexOf(']') ? host.slice(0, colon) : host;
}

/** Returns an address without the brackets that an IPv6 address has in URLs and image references. */
export function removeBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}
