import { normalizeHost } from '../hosts/host-pattern.ts';
import type { Registries } from './registries.ts';
import type { Rewrite } from './schema.ts';

/** A host at which a repository is read: the registry itself or a mirror. */
export interface Endpoint {
  /** Host and port as written in references and the registries file, in lower case. */
  readonly host: string;
  /** `https://host[:port]/v2/`. */
  readonly base: URL;
  /** Path of the repository at this host. */
  readonly repository: string;
  /**
   * The mirrored registry. Requests to a mirror name it, so that one mirror can serve several registries:
   * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#registry-proxying
   */
  readonly namespace?: string;
  /** Whether this is a mirror. Credentials of the mirrored registry are never sent to a mirror. */
  readonly mirror: boolean;
}

/** Maps the host in references to the host of the API, for registries where the two differ (Docker Hub). */
const API_HOSTS: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' };

/**
 * Returns the endpoints of a repository in the order of attempts: mirrors, then the registry itself. Leaves out
 * endpoints that are blocked or have an invalid host. The list is empty when the registry itself is blocked.
 */
export function endpointsFor(registry: string, repository: string, registries: Registries): readonly Endpoint[] {
  const host = registry.toLowerCase();
  const entry = registries.entryFor(host);
  if (registries.blocksImagesOf(host)) return [];
  const mirrors = (entry?.mirrors ?? []).map((mirror) =>
    createEndpoint(
      {
        host: mirror.host.toLowerCase(),
        repository: rewritePath(repository, mirror.rewrite),
        mirror: true,
        namespace: normalizeHost(host),
      },
      registries,
    ),
  );
  const upstream = createEndpoint(
    { host, repository: rewritePath(repository, entry?.rewrite ?? []), mirror: false },
    registries,
  );
  return [...mirrors, upstream].filter((candidate) => candidate !== undefined);
}

function createEndpoint(endpoint: Omit<Endpoint, 'base'>, registries: Registries): Endpoint | undefined {
  const { host } = endpoint;
  const entry = registries.entryFor(host);
  if (entry?.blocked === true) return undefined;
  const scheme = entry?.plainHttp === true ? 'http' : 'https';
  const address = `${scheme}://${API_HOSTS[host] ?? host}/v2/`;
  return URL.canParse(address) ? { ...endpoint, base: new URL(address) } : undefined;
}

/**
 * Replaces the leading path of a repository by the first rule that matches. A rule matches whole segments: `team` does
 * not match `teams/app`.
 */
export function rewritePath(repository: string, rules: readonly Rewrite[]): string {
  const rule = rules.find(({ from }) => from === '' || repository === from || repository.startsWith(`${from}/`));
  if (rule === undefined) return repository;
  const rest = rule.from === '' ? repository : repository.slice(rule.from.length + 1);
  return [rule.to, rest].filter((part) => part !== '').join('/');
}
