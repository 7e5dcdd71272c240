import { withoutUndefined } from '@archpolicy/core';
import { NoProxy, parseProxyUrl } from '@archpolicy/registry';
import type { EnvironmentProxies, Proxy } from '@archpolicy/registry';
import { ConfigError } from '@archpolicy/service';
import type { Secret } from '@archpolicy/service';

interface ProxyVariables {
  readonly httpsProxy: Secret | undefined;
  readonly httpProxy: Secret | undefined;
  readonly noProxy: string | undefined;
}

/**
 * Returns the proxies of the environment.
 * @throws ConfigError that names the variable at fault, without its value
 */
export function readProxies({ httpsProxy, httpProxy, noProxy }: ProxyVariables): EnvironmentProxies {
  const https = parse('HTTPS_PROXY', httpsProxy);
  const http = parse('HTTP_PROXY', httpProxy);
  return { ...withoutUndefined({ https, http }), noProxy: new NoProxy(noProxy ?? '') };
}

function parse(variable: string, value: Secret | undefined): Proxy | undefined {
  if (value === undefined) return undefined;
  const proxy = parseProxyUrl(value.reveal());
  if (proxy !== undefined) return proxy;
  const problem = 'its value (not shown) is not the URL of an HTTP proxy (http or https, host and port, no path)';
  throw new ConfigError(variable, problem, 'http://proxy.corp.example:3128');
}
