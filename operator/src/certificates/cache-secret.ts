import { randomBytes } from 'node:crypto';
import { bodyOrThrow, resourcePath, SECRETS } from '@archpolicy/kube';
import type { Api } from '@archpolicy/kube';
import { TIMEOUT_MS } from './gatherer.ts';
import { CACHE_SECRET, parseSecret } from './secret-object.ts';
import type { SecretWriter } from './secret-writer.ts';

/** Base64 encodes 36 bytes with 48 characters. */
const SECRET_BYTES = 36;

export interface CacheSecretOptions {
  readonly api: Pick<Api, 'request'>;
  readonly namespace: string;
}

/**
 * Creates the Secret with the password of the bundled Redis and the key of the shared cache, unless it exists. Its values are never replaced:
 * Redis and all processes that use the cache would have to restart at the same time.
 *
 * @throws KubeError if it cannot be read or created
 */
export async function ensureCacheSecret(
  { api, namespace }: CacheSecretOptions,
  writer: Pick<SecretWriter, 'write' | 'adopt'>,
  signal: AbortSignal,
): Promise<void> {
  const path = resourcePath(SECRETS, { namespace, name: CACHE_SECRET });
  const found = await api.request({ method: 'GET', path, signal, timeoutMs: TIMEOUT_MS });
  if (found.kind === 'refused' && found.status === 404) {
    // After a conflict, another replica has created it.
    await writer.write(undefined, { 'redis-password': random(), 'cache-key': random() }, signal);
  } else await writer.adopt(parseSecret(bodyOrThrow(found), CACHE_SECRET), signal);
}

/** Without characters that a URL or a configuration file of Redis would have to quote. */
function random(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}
