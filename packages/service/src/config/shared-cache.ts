import type { commonVariables } from './common.ts';
import { ConfigError } from './config-error.ts';
import type { Config } from './variable.ts';

/**
 * The URL of the shared cache and the key of its values, in plain text. Pass them only to the call that opens the
 * cache.
 */
export type SharedCacheSettings = { readonly url: string } & (
  | { readonly cacheKey: string; readonly secretName: string | undefined }
  /** The key is in the Secret. */
  | { readonly cacheKey: undefined; readonly secretName: string }
);

/**
 * Returns the configured shared cache; undefined means memory only.
 * @throws ConfigError for a cache without a key, because any writer of Redis could then forge facts, and so misplace
 *   pods
 */
export function readSharedCache({
  redisUrl,
  cacheKey,
  cacheSecret,
}: Pick<Config<typeof commonVariables>, 'redisUrl' | 'cacheKey' | 'cacheSecret'>): SharedCacheSettings | undefined {
  if (redisUrl === undefined) return undefined;
  const url = redisUrl.reveal();
  if (cacheKey !== undefined) return { url, cacheKey: cacheKey.reveal(), secretName: cacheSecret };
  if (cacheSecret !== undefined) return { url, cacheKey, secretName: cacheSecret };
  const problem = 'or ARCHPOLICY_CACHE_SECRET is needed with ARCHPOLICY_REDIS_URL';
  throw new ConfigError('ARCHPOLICY_CACHE_KEY', problem, '$(openssl rand -base64 32)');
}
