/** Lua, each on one key, so that all of them work in a Cluster. */

/** Keeps a lock: KEYS[1] lock, ARGV[1] token, ARGV[2] milliseconds. */
export const EXTEND = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0`;

/** Gives a lock back: KEYS[1] lock, ARGV[1] token. */
export const UNLOCK = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

/**
 * Takes a place in a token bucket: KEYS[1] bucket, ARGV per second, burst, longest wait, time to live. Answers
 * {wait, blocked} in milliseconds. The server's clock rules, so that replicas need not agree on theirs. Garbage in the
 * key counts as a full bucket.
 */
export const TAKE_PLACE = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then redis.call('DEL', KEYS[1]) end
local state = redis.call('HMGET', KEYS[1], 'tokens', 'at', 'until')
local rate, burst, longest = tonumber(ARGV[1]) / 1000, tonumber(ARGV[2]), tonumber(ARGV[3])
local blocked = (tonumber(state[3]) or 0) - now
if blocked > 0 then return {0, math.floor(blocked)} end
if rate <= 0 then return {0, 0} end
local at = math.min(tonumber(state[2]) or now, now)
local tokens = math.min(burst, (tonumber(state[1]) or burst) + (now - at) * rate) - 1
local wait = 0
if tokens < 0 then wait = math.ceil(-tokens / rate) end
if wait <= longest then
  redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', tostring(now))
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return {wait, 0}`;

/** Has nobody ask: KEYS[1] bucket, ARGV[1] milliseconds. A longer block stands. */
export const BLOCK = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then redis.call('DEL', KEYS[1]) end
local until_ms = math.max(tonumber(redis.call('HGET', KEYS[1], 'until')) or 0, now + tonumber(ARGV[1]))
redis.call('HSET', KEYS[1], 'until', string.format('%.0f', until_ms))
return redis.call('PEXPIRE', KEYS[1], math.max(until_ms - now, redis.call('PTTL', KEYS[1])))`;
