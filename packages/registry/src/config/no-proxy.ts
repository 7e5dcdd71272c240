import { isAddress, isInRanges, parseRange } from '../address-guard/ranges.ts';

/** The host and port of a request. */
interface Target {
  /** In lower case, without brackets and without a trailing dot. */
  readonly host: string;
  readonly port: string;
}

type Rule = (target: Target) => boolean;

const LOOPBACK = [parseRange('127.0.0.0/8'), parseRange('::1/128')].filter((range) => range !== undefined);
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/**
 * The hosts that are reached without a proxy. The grammar of `NO_PROXY` is that of Go, so that ArchPolicy and the
 * container runtimes of the nodes can share a value:
 * https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config
 * @example localhost,10.96.0.0/12,.svc,.cluster.local,registry.corp.example:5000
 */
export class NoProxy {
  readonly #rules: readonly Rule[];

  constructor(text: string) {
    this.#rules = text
      .split(/[\s,]+/)
      .map((entry) => parseEntry(entry.toLowerCase()))
      .filter((rule) => rule !== undefined);
  }

  /** Whether a URL is reached without a proxy. That is always so for `localhost` and loopback addresses. */
  includes(url: URL): boolean {
    const host = url.hostname.replace(/^\[|\]$|\.$/g, '');
    const target = { host, port: url.port === '' ? (DEFAULT_PORTS[url.protocol] ?? '') : url.port };
    return isLoopback(host) || this.#rules.some((rule) => rule(target));
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || (isAddress(host) && isInRanges(host, LOOPBACK));
}

function parseEntry(entry: string): Rule | undefined {
  if (entry === '') return undefined;
  if (entry === '*') return () => true;
  const range = parseRange(entry);
  if (range !== undefined) return ({ host }) => isAddress(host) && isInRanges(host, [range]);
  const { host, port } = splitPort(entry);
  const matchesPort: Rule = (target) => port === '' || target.port === port;
  if (isAddress(host)) {
    const exact = parseRange(`${host}/${host.includes(':') ? 128 : 32}`);
    return (target) =>
      isAddress(target.host) && exact !== undefined && isInRanges(target.host, [exact]) && matchesPort(target);
  }
  return parseDomain(host, matchesPort);
}

/** Parses `example.com` (the domain and its subdomains), or `.example.com` and `*.example.com` (only its subdomains). */
function parseDomain(text: string, matchesPort: Rule): Rule | undefined {
  const name = text.replace(/^\*(?=\.)/, '').replace(/\.$/, '');
  if (name === '') return undefined;
  const suffix = name.startsWith('.') ? name : `.${name}`;
  return (target) => (target.host.endsWith(suffix) || target.host === name) && matchesPort(target);
}

function splitPort(entry: string): Target {
  const { host = entry, port = '' } = /^(?:\[(?<v6>[^\]]*)\]|(?<host>[^:]*)):(?<port>\d+)$/.exec(entry)?.groups ?? {};
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(entry)?.[1];
  return { host: bracketed ?? host, port };
}
