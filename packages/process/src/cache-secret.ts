import { isUtf8 } from 'node:buffer';
import type { Clock, Random } from '@archpolicy/async';
import { withoutUndefined } from '@archpolicy/core';
import type { Api, SecretLocation, SecretObject } from '@archpolicy/kube';
import type { RedisOptions } from '@archpolicy/registry';
import { cacheKey as cacheKeySchema } from '@archpolicy/service';
import type { Logger } from '@archpolicy/service';
import type { RedisSettings } from './read-redis.ts';
import { secretIntervalMs, secretSource } from './secret-source.ts';
import { SourceWatch } from './source-watch.ts';
import type { SourceRead } from './source-watch.ts';

/** The keys of the Secret. */
const KEYS = { password: 'redis-password', cacheKey: 'cache-key' } as const;
/** Maximum length of a password. */
const MAX_PASSWORD_CHARS = 4096;

const HELP = {
  absent:
    'the operator creates archpolicy-cache, unless ARCHPOLICY_CERTIFICATES is external; create any other one yourself (docs/redis.md)',
  forbidden: 'add its name to the Roles archpolicy-webhook and archpolicy-operator (docs/redis.md)',
};

export interface CacheSecretOptions extends Omit<
  Extract<RedisSettings, { readonly kind: 'in-secret' }>,
  'kind' | 'secretName'
> {
  readonly secret: SecretLocation;
}

export interface CacheSecretParts {
  readonly api: Pick<Api, 'request'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  /** Called when the Secret can be used, and after each change of what is used of it. */
  readonly onRedis: (redis: RedisOptions) => void;
}

/**
 * Reads the password of Redis and the cache key from their Secret. A Secret that is deleted or damaged later replaces nothing. A
 * changed one replaces both: when the Secret was created again, a Redis that restarts has its new password.
 */
export function cacheSecretWatch(options: CacheSecretOptions, parts: CacheSecretParts): SourceWatch<RedisOptions> {
  const { api, clock, random, logger, onRedis } = parts;
  return new SourceWatch<RedisOptions>({
    subject: 'cache secret',
    source: secretSource({
      api,
      secret: options.secret,
      parse: (secret) => parseCacheSecret(secret, options),
      help: HELP,
    }),
    isSame: (current, next) => current.password === next.password && current.cacheKey === next.cacheKey,
    compare: () => undefined,
    describe: () => ({}),
    intervalMs: (current) => secretIntervalMs(current !== undefined, random),
    clock,
    logger,
    onValue: onRedis,
  });
}

function parseCacheSecret(
  secret: SecretObject,
  { url, cacheKey: given, needsPassword }: CacheSecretOptions,
): SourceRead<RedisOptions> {
  const password = needsPassword ? readPassword(secret) : undefined;
  if (password?.kind === 'rejected') return password;
  const cacheKey = given === undefined ? readCacheKey(secret) : { kind: 'read' as const, value: given };
  if (cacheKey.kind === 'rejected') return cacheKey;
  return { kind: 'read', value: withoutUndefined({ url, password: password?.value, cacheKey: cacheKey.value }) };
}

/** An empty password is that of a Redis without one. A missing key is more likely a mistake. */
function readPassword(secret: SecretObject): SourceRead<string | undefined> {
  const text = readText(secret, KEYS.password);
  if (text.kind === 'rejected') return text;
  if (text.value.length > MAX_PASSWORD_CHARS) return unusable(`${KEYS.password} is far too long`);
  return { kind: 'read', value: text.value === '' ? undefined : text.value };
}

function readCacheKey(secret: SecretObject): SourceRead<string> {
  const text = readText(secret, KEYS.cacheKey);
  if (text.kind === 'rejected') return text;
  const parsed = cacheKeySchema.safeParse(text.value);
  if (parsed.success) return { kind: 'read', value: parsed.data.reveal() };
  return unusable(`${KEYS.cacheKey} ${parsed.error.issues.map(({ message }) => message).join(' and ')}`);
}

/** Without white space around it, as in a variable: a file often ends with a line break. */
function readText(secret: SecretObject, key: string): SourceRead<string> {
  const bytes = secret.value(key);
  if (bytes === undefined) return unusable(`it lacks ${key}`);
  return isUtf8(bytes) ? { kind: 'read', value: bytes.toString('utf8').trim() } : unusable(`${key} is no text`);
}

function unusable(problem: string): SourceRead<never> {
  return { kind: 'rejected', rejection: { outcome: 'bad', code: 'CacheSecretInvalid', problem } };
}
