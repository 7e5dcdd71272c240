import type { Registries } from '../config/registries.ts';

const MAX_REALM_LENGTH = 2048;

/**
 * Returns the URL of the token service that a registry names. Returns undefined when no credential may be sent to this
 * URL: it is not absolute, uses neither HTTPS nor HTTP, contains credentials, has a blocked host, or uses HTTP although
 * the registry uses HTTPS (P5). The address guard checks the addresses of the host while connecting.
 */
export function validateRealm(realm: string, registry: URL, registries: Registries): URL | undefined {
  if (realm.length > MAX_REALM_LENGTH) return undefined;
  const url = URL.parse(realm);
  if (url?.username !== '' || url.password !== '') return undefined;
  const mayBePlain = registry.protocol === 'http:';
  if (url.protocol !== 'https:' && !(mayBePlain && url.protocol === 'http:')) return undefined;
  return registries.entryFor(url.host)?.blocked === true ? undefined : url;
}
