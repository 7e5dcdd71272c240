import type { commonVariables } from './common.ts';
import { ConfigError } from './config-error.ts';
import type { Config } from './variable.ts';

/** Where the shared cache is and how its values are authenticated, in the clear: for the one call that opens it. */
export interface SharedCacheSettings {
  readonly url: string;
  readonly cacheKey: string;
}

/**
 * The shared cache that is configured; undefined: memory only.
 * @throws ConfigError for a cache without a key: whoever can write to Redis could make pods run where they cannot
 */
export function sharedCacheOf({
  redisUrl,
  cacheKey,
}: Pick<Config<typeof commonVariables>, 'redisUrl' | 'cacheKey'>): SharedCacheSettings | undefined {
  if (redisUrl === undefined) return undefined;
  if (cacheKey === undefined) {
    throw new ConfigError('ARCHPOLICY_CACHE_KEY', 'is needed with ARCHPOLICY_REDIS_URL', '$(openssl rand -base64 32)');
  }
  return { url: redisUrl.reveal(), cacheKey: cacheKey.reveal() };
}
