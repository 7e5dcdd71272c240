import type { commonVariables } from './common.ts';
import { ConfigError } from './config-error.ts';
import type { Config } from './variable.ts';

/**
 * The URL of the shared cache and the key of its values, in plain text. Pass them only to the call that opens the
 * cache.
 */
export interface SharedCacheSettings {
  readonly url: string;
  readonly cacheKey: string;
}

/**
 * Returns the configured shared cache; undefined means memory only.
 * With the name of a Secret instead of a key, the cache is memory only: the operator may not have created the Secret yet,
 * and a process must start before it.
 * @throws ConfigError for a cache without a key, because any writer of Redis could then forge facts, and so misplace
 *   pods
 */
export function readSharedCache({
  redisUrl,
  cacheKey,
  cacheSecret,
}: Pick<Config<typeof commonVariables>, 'redisUrl' | 'cacheKey' | 'cacheSecret'>): SharedCacheSettings | undefined {
  if (redisUrl === undefined) return undefined;
  if (cacheKey === undefined && cacheSecret !== undefined) return undefined;
  if (cacheKey === undefined) {
    throw new ConfigError('ARCHPOLICY_CACHE_KEY', 'is needed with ARCHPOLICY_REDIS_URL', '$(openssl rand -base64 32)');
  }
  return { url: redisUrl.reveal(), cacheKey: cacheKey.reveal() };
}
