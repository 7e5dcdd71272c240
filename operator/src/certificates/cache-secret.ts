import { randomBytes } from 'node:crypto';
import { KubeError, resourcePath, SECRETS } from '@archpolicy/kube';
import type { Api } from '@archpolicy/kube';
import { TIMEOUT_MS } from './gatherer.ts';
import { CACHE_SECRET, newSecret } from './secret-object.ts';

/** Base64 encodes 36 bytes with 48 characters. */
const SECRET_BYTES = 36;

export interface CacheSecretOptions {
  readonly api: Pick<Api, 'request'>;
  readonly namespace: string;
}

/**
 * Creates the Secret with the password of the bundled Redis and the key of the shared cache, unless it exists. It is never replaced: Redis
 * and all processes that use the cache would have to restart at the same time.
 *
 * @throws KubeError if it cannot be read or created
 */
export async function ensureCacheSecret({ api, namespace }: CacheSecretOptions, signal: AbortSignal): Promise<void> {
  const path = resourcePath(SECRETS, { namespace, name: CACHE_SECRET });
  const found = await api.request({ method: 'GET', path, signal, timeoutMs: TIMEOUT_MS });
  if (found.kind === 'ok') return;
  if (found.status !== 404) throw refused(`GET ${path}`, found);
  const created = await api.request({
    method: 'POST',
    path: resourcePath(SECRETS, { namespace }),
    body: newSecret(namespace, CACHE_SECRET, { 'redis-password': random(), 'cache-key': random() }),
    signal,
    timeoutMs: TIMEOUT_MS,
  });
  // 409: another replica has created it.
  if (created.kind === 'refused' && created.status !== 409)
    throw refused(`creation of Secret ${CACHE_SECRET}`, created);
}

function refused(what: string, { status, reason }: { readonly status: number; readonly reason: string }): KubeError {
  return new KubeError('Refused', `the API server rejected ${what}: ${status} ${reason}`, { status });
}

/** Without characters that a URL or a configuration file of Redis would have to quote. */
function random(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}
