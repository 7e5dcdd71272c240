import { failed, ok } from '@archpolicy/core';
import type { Result } from '@archpolicy/core';
import type { Registries } from '../config/registries.ts';
import type { FailureCauseKind } from '../http/failure-cause.ts';

type RealmProblem = Extract<FailureCauseKind, `token-service-${string}`>;

const MAX_REALM_LENGTH = 2048;

/**
 * Returns the URL of the token service that a registry names, or why no credential may be sent to this URL: it is not
 * absolute, uses neither HTTPS nor HTTP, contains credentials, has a blocked host, or uses HTTP although the registry uses
 * HTTPS (P5). The address guard checks the addresses of the host while connecting.
 */
export function parseRealm(realm: string, registry: URL, registries: Registries): Result<URL, RealmProblem> {
  const url = realm.length > MAX_REALM_LENGTH ? null : URL.parse(realm);
  if (url === null)
    return failed(isRelative(realm, registry) ? 'token-service-url-relative' : 'token-service-url-invalid');
  if (url.username !== '' || url.password !== '') return failed('token-service-url-invalid');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return failed('token-service-url-invalid');
  if (url.protocol === 'http:' && registry.protocol !== 'http:') return failed('token-service-plain-http');
  return registries.entryFor(url.host)?.blocked === true ? failed('token-service-blocked') : ok(url);
}

function isRelative(realm: string, registry: URL): boolean {
  return realm !== '' && realm.length <= MAX_REALM_LENGTH && URL.canParse(realm, registry.href);
}
