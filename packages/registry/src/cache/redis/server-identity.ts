import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import type { ConnectionOptions, PeerCertificate } from 'node:tls';

/**
 * Returns the TLS options for a host: the name that is sent to the server (SNI), and the names that its certificate may
 * have. The library sends no name: without one, TLS routers cannot find the server.
 *
 * A Cluster or a Sentinel may announce nodes by address, while their certificates have names only (Azure). Then the name
 * of a host in the URL is sent, and the certificate must be valid for the address or for one of these names: with such a
 * certificate the server proves that it belongs to what was configured.
 *
 * @param urlHosts the hosts of the URL
 */
export function tlsOptionsFor(host: string, urlHosts: readonly string[]): ConnectionOptions {
  if (isIP(host) === 0) return { servername: host };
  const names = urlHosts.filter((name) => isIP(name) === 0);
  const [servername] = names;
  if (servername === undefined) return {};
  return { servername, checkServerIdentity: (_, certificate) => checkAnyIdentity([host, ...names], certificate) };
}

/** Returns undefined when the certificate is valid for one of the hosts, and otherwise the error for the first one. */
function checkAnyIdentity(hosts: readonly string[], certificate: PeerCertificate): Error | undefined {
  const errors = hosts.map((host) => checkServerIdentity(host, certificate));
  return errors.includes(undefined) ? undefined : errors[0];
}
