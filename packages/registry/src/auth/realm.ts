import type { Registries } from '../config/registries.ts';

const MAX_REALM_LENGTH = 2048;

/**
 * Returns the URL of the token service that a registry names, or undefined when no credential may be sent to it: not an
 * absolute URL, another protocol, credentials in the URL, a blocked host, or HTTP when the registry has HTTPS (P5). The
 * address guard checks its addresses while connecting.
 */
export function validateRealm(realm: string, registry: URL, registries: Registries): URL | undefined {
  if (realm.length > MAX_REALM_LENGTH) return undefined;
  const url = URL.parse(realm);
  if (url?.username !== '' || url.password !== '') return undefined;
  const mayBePlain = registry.protocol === 'http:';
  if (url.protocol !== 'https:' && !(mayBePlain && url.protocol === 'http:')) return undefined;
  return registries.entryFor(url.host)?.blocked === true ? undefined : url;
}
