import { RegistryError } from '../../errors.ts';
import { isPort } from './handshake-replies.ts';

export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

/** The address of Redis: one node, Sentinels that return the primary's address, or a Cluster (K7). */
export interface RedisTarget {
  readonly kind: 'node' | 'sentinel' | 'cluster';
  /** Exactly one node for the kind `node`, and at least one for the other kinds. */
  readonly nodes: readonly RedisNode[];
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  /** Name of the primary (`sentinel`). */
  readonly primary?: string;
  /** Database (`node` and `sentinel`). */
  readonly database?: number;
}

const KINDS: Readonly<Record<string, RedisTarget['kind']>> = {
  '': 'node',
  '+sentinel': 'sentinel',
  '+cluster': 'cluster',
};
const DEFAULT_PORTS: Readonly<Record<RedisTarget['kind'], number>> = { node: 6379, sentinel: 26379, cluster: 6379 };
const MAX_NODES = 100;

const URL_FORM = /^(redis|rediss)(|\+sentinel|\+cluster):\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^/?]+)(?:\/([^/?]*))?$/;

/**
 * Parses `redis://[user:password@]host[:port][/database]`, `redis+sentinel://host:port,host:port/primary` or
 * `redis+cluster://host:port,host:port`; `rediss` instead of `redis` for TLS. User and password are percent-encoded.
 * @throws RegistryError with code RedisUrl; its message contains no part of the text
 */
export function parseRedisUrl(text: string): RedisTarget {
  const match = URL_FORM.exec(text);
  if (match === null) throw invalid();
  const [, scheme = '', suffix = '', username = '', password = '', hosts = '', path = ''] = match;
  const kind = KINDS[suffix] ?? 'node';
  return {
    kind,
    nodes: parseNodes(hosts, kind),
    tls: scheme === 'rediss',
    ...(username === '' ? {} : { username: decode(username) }),
    ...(password === '' ? {} : { password: decode(password) }),
    ...parsePath(kind, path),
  };
}

function parseNodes(hosts: string, kind: RedisTarget['kind']): readonly RedisNode[] {
  const texts = hosts.split(',');
  const nodes = texts.map((host) => parseNode(host, DEFAULT_PORTS[kind])).filter((node) => node !== undefined);
  const most = kind === 'node' ? 1 : MAX_NODES;
  if (nodes.length !== texts.length || nodes.length > most) throw invalid();
  return nodes;
}

function parsePath(kind: RedisTarget['kind'], path: string): Pick<RedisTarget, 'primary' | 'database'> {
  if (kind === 'sentinel') {
    if (path === '') throw invalid();
    return { primary: decode(path) };
  }
  // A Cluster has only database 0.
  if (path === '' || (kind === 'cluster' && path === '0')) return {};
  if (kind === 'cluster') throw invalid();
  if (!/^[0-9]{1,5}$/.test(path)) throw invalid();
  return { database: Number(path) };
}

function parseNode(text: string, defaultPort: number): RedisNode | undefined {
  const [, host, port] = /^(\[[0-9a-f:]+\]|[^:]+)(?::([0-9]{1,5}))?$/i.exec(text) ?? [];
  if (host === undefined || (port !== undefined && !isPort(Number(port)))) return undefined;
  return { host: host.replace(/^\[|\]$/g, ''), port: port === undefined ? defaultPort : Number(port) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid();
  }
}

function invalid(): RegistryError {
  return new RegistryError(
    'RedisUrl',
    'expected redis[s][+sentinel|+cluster]://[user:password@]host[:port][,…][/database or primary]',
  );
}
