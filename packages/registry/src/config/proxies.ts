import { NoProxy } from './no-proxy.ts';
import type { Proxy } from './proxy-url.ts';
import type { Registries } from './registries.ts';

/** The proxies of a process's environment. */
export interface EnvironmentProxies {
  readonly https?: Proxy;
  readonly http?: Proxy;
  readonly noProxy: NoProxy;
}

export const NO_PROXIES: EnvironmentProxies = { noProxy: new NoProxy('') };

/** A request, and the endpoint for which it is sent. */
interface ProxiedRequest {
  readonly url: URL;
  /** The host as written in references and the registries file. */
  readonly host: string;
  /** The host of the registry or mirror that is read. It may have named the host of the request. */
  readonly endpointHost: string;
}

/**
 * Returns the proxy of a request; undefined: none. The `proxy` of the host's entry comes first. A host that a registry
 * names (its token service, the target of a redirect) uses the registry's proxy, unless `NO_PROXY` includes the host. The
 * last are the proxies of the environment.
 */
export function selectProxy(
  { url, host, endpointHost }: ProxiedRequest,
  registries: Registries,
  environment: EnvironmentProxies,
): Proxy | undefined {
  const own = registries.entryFor(host)?.proxy;
  if (own !== undefined) return own === 'none' ? undefined : own;
  if (environment.noProxy.includes(url)) return undefined;
  const ofRegistry = registries.entryFor(endpointHost)?.proxy;
  if (ofRegistry !== undefined && ofRegistry !== 'none') return ofRegistry;
  return url.protocol === 'https:' ? environment.https : environment.http;
}
