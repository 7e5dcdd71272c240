import { parseRedisUrl, RegistryError } from '@archpolicy/registry';
import type { RedisOptions } from '@archpolicy/registry';
import { ConfigError, readSharedCache } from '@archpolicy/service';

/** The configured shared cache, in plain text. */
export type RedisSettings =
  | { readonly kind: 'complete'; readonly redis: RedisOptions }
  /** The Secret has what is missing: the cache key, the password, or both. */
  | {
      readonly kind: 'in-secret';
      readonly url: string;
      readonly secretName: string;
      readonly cacheKey: string | undefined;
      readonly needsPassword: boolean;
    };

/**
 * Returns the configured shared cache; undefined means memory only. What the variables contain has precedence over the Secret.
 * @throws ConfigError that names the variable at fault, without its value
 */
export function readRedis(config: Parameters<typeof readSharedCache>[0]): RedisSettings | undefined {
  const settings = readSharedCache(config);
  if (settings === undefined) return undefined;
  const { url } = settings;
  const needsPassword = !hasPassword(url);
  if (settings.cacheKey === undefined) return { kind: 'in-secret', ...settings, needsPassword };
  const { cacheKey, secretName } = settings;
  return secretName !== undefined && needsPassword
    ? { kind: 'in-secret', url, secretName, cacheKey, needsPassword }
    : { kind: 'complete', redis: { url, cacheKey } };
}

/** @throws ConfigError for a URL that cannot be used */
function hasPassword(url: string): boolean {
  try {
    return parseRedisUrl(url).password !== undefined;
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    const problem = `its value (not shown) cannot be used: ${error.message}, with special characters of user and password percent-encoded`;
    throw new ConfigError('ARCHPOLICY_REDIS_URL', problem, 'redis://redis.archpolicy-system:6379');
  }
}
