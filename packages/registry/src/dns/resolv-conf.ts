import { hostname } from 'node:os';
import { isIP } from 'node:net';

/** The settings of a resolv.conf file that lookups of host names use. */
export interface ResolverConfig {
  /** IP addresses of the DNS servers, in the order of the file. Never empty. */
  readonly servers: readonly string[];
  /** Domains that are appended to names, in order. */
  readonly searchDomains: readonly string[];
  /** A name with at least this many dots is queried as it is before the search domains are appended. */
  readonly ndots: number;
  /** How long to wait for one answer of one server. */
  readonly timeoutMs: number;
  /** How often each server is queried for a name. */
  readonly attempts: number;
  /** Whether AAAA records are not queried (`options no-aaaa`). */
  readonly omitsIpv6: boolean;
}

/** glibc's limits: MAXNS, RES_MAXNDOTS, RES_MAXRETRANS, RES_MAXRETRY of resolv.h. */
const MAX_SERVERS = 3;
const MAX_NDOTS = 15;
const MAX_TIMEOUT_SECONDS = 30;
const MAX_ATTEMPTS = 5;
/** glibc's defaults for a file without the setting. */
const DEFAULT_SERVER = '127.0.0.1';
const DEFAULT_NDOTS = 1;
const DEFAULT_TIMEOUT_SECONDS = 5;
const DEFAULT_ATTEMPTS = 2;

/**
 * Parses a resolv.conf file as glibc does.
 *
 * Of `search` and `domain` lines the last one applies. Servers whose addresses cannot be parsed are left out. The options
 * `rotate`, `use-vc` and those about one socket for both queries have no effect: each query has a socket of its own.
 *
 * @see https://man7.org/linux/man-pages/man5/resolv.conf.5.html
 * @example search shop.svc.cluster.local svc.cluster.local cluster.local
 * nameserver 10.96.0.10
 * options ndots:5
 */
export function parseResolvConf(text: string, machineName: string = hostname()): ResolverConfig {
  const lines = text.split('\n').map(parseLine);
  const options = lines.flatMap(([keyword, ...values]) => (keyword === 'options' ? values : []));
  const servers = lines
    .flatMap(([keyword, server]) => (keyword === 'nameserver' && server !== undefined ? [server] : []))
    .filter((server) => isIP(server) !== 0)
    .slice(0, MAX_SERVERS);
  return {
    servers: servers.length === 0 ? [DEFAULT_SERVER] : servers,
    searchDomains: searchDomains(lines, machineName),
    ndots: numericOption(options, 'ndots', { fallback: DEFAULT_NDOTS, min: 0, max: MAX_NDOTS }),
    timeoutMs:
      1_000 *
      numericOption(options, 'timeout', { fallback: DEFAULT_TIMEOUT_SECONDS, min: 1, max: MAX_TIMEOUT_SECONDS }),
    attempts: numericOption(options, 'attempts', { fallback: DEFAULT_ATTEMPTS, min: 1, max: MAX_ATTEMPTS }),
    omitsIpv6: options.includes('no-aaaa'),
  };
}

/** Returns the words of a line; none for a comment. glibc reads keywords only at the beginning of a line. */
function parseLine(line: string): readonly string[] {
  return /^[a-z]/.test(line) ? line.split(/[ \t\r]+/).filter((word) => word !== '') : [];
}

function searchDomains(lines: readonly (readonly string[])[], machineName: string): readonly string[] {
  const last = lines.findLast(([keyword, domain]) => isSearchKeyword(keyword) && domain !== undefined);
  if (last !== undefined) return last[0] === 'domain' ? last.slice(1, 2) : last.slice(1);
  // Without such a line, the domain of the machine is searched.
  const [, ...labels] = machineName.split('.');
  return labels.length === 0 ? [] : [labels.join('.')];
}

function isSearchKeyword(keyword: string | undefined): boolean {
  return keyword === 'search' || keyword === 'domain';
}

/** Returns the last value of `name:NUMBER`, within the bounds. As in glibc, a value that is not a number counts as 0. */
function numericOption(
  options: readonly string[],
  name: string,
  { fallback, min, max }: { readonly fallback: number; readonly min: number; readonly max: number },
): number {
  const option = options.findLast((text) => text.startsWith(`${name}:`));
  if (option === undefined) return fallback;
  const digits = /^\d{1,9}/.exec(option.slice(name.length + 1));
  return Math.min(Math.max(Number(digits?.[0] ?? 0), min), max);
}
