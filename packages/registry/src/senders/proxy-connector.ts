import { isIP, Socket } from 'node:net';
import { buildConnector, Client } from 'undici';
import { guardedConnector } from '../address-guard/connector.ts';
import type { NameResolution } from '../address-guard/connector.ts';
import { AddressGuard } from '../address-guard/guard.ts';
import type { Proxy } from '../config/proxy-url.ts';
import { AddressRefusedError, ProxyError, RegistryError } from '../errors.ts';
import { removeBrackets } from '../hosts/host-pattern.ts';

interface ProxiedConnection {
  readonly proxy: Proxy;
  /** Judges the host if it is an IP address. A name is resolved by the proxy. */
  readonly guard: AddressGuard;
  /** The options of TLS with the host. */
  readonly tls: buildConnector.BuildOptions;
  /** Resolves the name of the proxy. */
  readonly names: NameResolution;
  /** How long the connection to the proxy may take, and how long the proxy's answer. */
  readonly timeoutMs: number;
}

/** The proxy is the installer's choice, and may have any address. */
const EVERY_ADDRESS = new AddressGuard({ refused: [], allowed: ['0.0.0.0/0', '::/0'], nat64Prefixes: [] });

/**
 * Returns a connector that reaches hosts through a proxy: by a tunnel for HTTPS
 * (https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6), or else by a connection to the proxy itself, which forwards
 * the requests. The guard can judge only hosts that are addresses, not those to which the proxy resolves names (I8).
 */
export function proxiedConnector({ proxy, guard, tls, names, timeoutMs }: ProxiedConnection): buildConnector.connector {
  const connectToProxy = guardedConnector(EVERY_ADDRESS, { timeout: timeoutMs, allowH2: false }, names);
  const startTls = buildConnector(tls);
  return (target, callback) => {
    const host = removeBrackets(target.hostname);
    const rule = isIP(host) === 0 ? undefined : guard.refusalOf(host);
    if (rule !== undefined) {
      callback(new AddressRefusedError(rule), null);
      return;
    }
    if (target.protocol !== 'https:') {
      connectToProxy(toTarget(proxy), callback);
      return;
    }
    const client = new Client(proxy.url, { connect: connectToProxy, headersTimeout: timeoutMs });
    const signal = names.signal();
    openTunnel(client, toAuthority(host, target.port), proxy, signal)
      .then((socket) => {
        startTls({ ...target, httpSocket: socket }, callback);
      })
      .catch((error: unknown) => {
        callback(toTunnelError(error, signal), null);
      });
  };
}

function toTunnelError(error: unknown, signal: AbortSignal): RegistryError {
  if (error instanceof RegistryError) return error;
  // A request that came just now and waits for this connection is sent again.
  if (signal.aborted) return new RegistryError('LookupCancelled', 'the tunnel was cancelled', { cause: error });
  return new RegistryError('ProxyFailed', 'the tunnel through the proxy failed', { cause: error });
}

interface RequestTarget {
  readonly path: string;
  readonly proxyHeaders: Readonly<Record<string, string>>;
}

/**
 * Returns the target of a request. A proxy forwards a request with plain HTTP, if it has the whole URL and the proxy's
 * credential: https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
 */
export function toRequestTarget(url: URL, proxy: Proxy | undefined): RequestTarget {
  const path = `${url.pathname}${url.search}`;
  if (proxy === undefined || url.protocol === 'https:') return { path, proxyHeaders: {} };
  return { path: `${url.origin}${path}`, proxyHeaders: toHeaders(proxy.authorization) };
}

/** @throws RegistryError with code ProxyFailed, or the error of the connection to the proxy */
async function openTunnel(client: Client, authority: string, proxy: Proxy, signal: AbortSignal): Promise<Socket> {
  try {
    const headers = { host: authority, ...toHeaders(proxy.authorization) };
    const { statusCode, socket } = await client.connect({ path: authority, headers, signal });
    if (statusCode >= 200 && statusCode < 300 && socket instanceof Socket) return socket;
    socket.on('error', () => undefined).destroy();
    throw new ProxyError(statusCode);
  } finally {
    // The tunnel no longer belongs to the client.
    void client.destroy();
  }
}

function toHeaders(authorization: string | undefined): Record<string, string> {
  return authorization === undefined ? {} : { 'proxy-authorization': authorization };
}

function toTarget({ url }: Proxy): buildConnector.Options {
  const { hostname, host, protocol, port } = new URL(url);
  return { hostname: removeBrackets(hostname), host, protocol, port };
}

function toAuthority(host: string, port: string): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port === '' ? '443' : port}`;
}
