import { getDomain } from 'tldts';

/**
 * Returns the domain whose owner decides how long lookups of a host name take: the key of the bound on lookups in
 * flight.
 *
 * - By the public suffix list, including its private part: `registry.example.co.uk` → `example.co.uk`.
 * - For a Service of the cluster, its namespace: `registry.shop.svc.cluster.local` → `shop.svc.cluster.local`. A tenant
 *   can create Services of type ExternalName, which point to any name.
 * - Any other name is its own domain: `registry`.
 */
export function registrableDomain(host: string): string {
  const name = host.toLowerCase().replace(/\.$/, '');
  const labels = name.split('.');
  const service = labels.indexOf('svc', 2);
  if (service !== -1) return labels.slice(service - 1).join('.');
  return getDomain(name, { allowPrivateDomains: true, validateHostname: false }) ?? name;
}
