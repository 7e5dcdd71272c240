/** Lua scripts. Each uses one key, so that all of them work in a Cluster. */

/** Extends a lock. KEYS[1]: lock. ARGV: token, milliseconds. */
export const EXTEND = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0`;

/** Releases a lock. KEYS[1]: lock. ARGV[1]: token. */
export const UNLOCK = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

/**
 * Begins a script for a bucket. Reads the server's clock, because the clocks of replicas differ. Deletes a value that
 * is not a hash.
 */
const BEGIN = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then redis.call('DEL', KEYS[1]) end
local state = redis.call('HMGET', KEYS[1], 'tokens', 'at', 'until')
local until_ms = tonumber(state[3]) or 0
`;

/**
 * Reserves a token. KEYS[1]: bucket. ARGV: tokens per second, burst, longest wait, longest block. Returns {wait,
 * blocked} in milliseconds; if the wait would exceed the longest wait, nothing is reserved. An invalid value counts as
 * a full bucket without a block. The key expires when the bucket is full again.
 */
export const RESERVE = `${BEGIN}
local rate, burst, longest, most = tonumber(ARGV[1]) / 1000, tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if until_ms > now and until_ms - now <= most then return {0, math.ceil(until_ms - now)} end
if state[3] then redis.call('HDEL', KEYS[1], 'until') end
if rate <= 0 then return {0, 0} end
local tokens, at = tonumber(state[1]), tonumber(state[2])
if not (tokens and at and tokens >= -longest * rate - 1 and at == at) then tokens, at = burst, now end
tokens = math.min(burst, tokens + math.max(0, now - at) * rate) - 1
local wait = 0
if tokens < 0 then wait = math.ceil(-tokens / rate) end
if wait > longest then return {wait, 0} end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.17g', tokens), 'at', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.min(math.ceil((burst - tokens) / rate), most)))
return {wait, 0}`;

/** Blocks the host. KEYS[1]: bucket. ARGV: duration in ms, maximum in ms. Never shortens an existing block. */
export const BLOCK = `${BEGIN}
local most = tonumber(ARGV[2])
if not (until_ms - now <= most) then until_ms = 0 end
until_ms = math.max(until_ms, now + tonumber(ARGV[1]))
redis.call('HSET', KEYS[1], 'until', string.format('%.0f', until_ms))
local ttl = math.max(until_ms - now, redis.call('PTTL', KEYS[1]))
return redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.min(ttl, most)))`;
