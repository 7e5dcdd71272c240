import { parseRedisUrl, RegistryError } from '@archpolicy/registry';
import { ConfigError, readSharedCache } from '@archpolicy/service';

/**
 * Returns the configured shared cache; undefined means memory only.
 * @throws ConfigError that names the variable at fault, without its value
 */
export function readRedis(config: Parameters<typeof readSharedCache>[0]): ReturnType<typeof readSharedCache> {
  const settings = readSharedCache(config);
  if (settings === undefined) return undefined;
  try {
    parseRedisUrl(settings.url);
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    const problem = `its value (not shown) cannot be used: ${error.message}, with special characters of user and password percent-encoded`;
    throw new ConfigError('ARCHPOLICY_REDIS_URL', problem, 'redis://redis.archpolicy-system:6379');
  }
  return settings;
}
