import type { IncomingHttpHeaders } from 'node:http';

/** Maximum length of a window: the window of Docker Hub, which is the longest known one. */
const MAX_WINDOW_SECONDS = 6 * 60 * 60;

/** The requests that a registry allows in a window, and how many of them remain. */
export interface Quota {
  readonly limit: number;
  readonly remaining: number;
  /** 0 if the registry does not state it. */
  readonly windowSeconds: number;
}

/**
 * Parses the `ratelimit-*` headers of a response. Returns undefined if they are absent or malformed.
 *
 * @see https://docs.docker.com/docker-hub/usage/pulls/#view-pull-rate-and-limit
 * @example ratelimit-limit: 100;w=21600
 * @example ratelimit-remaining: 0;w=21600
 */
export function quotaFromHeaders(headers: IncomingHttpHeaders): Quota | undefined {
  const limit = parse(headers['ratelimit-limit']);
  const remaining = parse(headers['ratelimit-remaining']);
  if (limit === undefined || remaining === undefined || limit.count < 1) return undefined;
  const windowSeconds = remaining.windowSeconds ?? limit.windowSeconds ?? 0;
  return { limit: limit.count, remaining: remaining.count, windowSeconds };
}

/**
 * Computes from the headers of a response how long to pause requests, in milliseconds. When no request of the quota
 * remains, the pause is one request's share of the window. Returns 0 when requests remain, or when there is no quota.
 */
export function pauseFromHeaders(headers: IncomingHttpHeaders): number {
  const quota = quotaFromHeaders(headers);
  if (quota === undefined || quota.remaining > 0) return 0;
  return (Math.min(quota.windowSeconds, MAX_WINDOW_SECONDS) * 1000) / quota.limit;
}

function parse(
  header: string | readonly string[] | undefined,
): { readonly count: number; readonly windowSeconds?: number } | undefined {
  if (typeof header !== 'string' || header.length > 100) return undefined;
  const [, count, window] = /^\s*([0-9]{1,9})(?:\s*;\s*w=([0-9]{1,9}))?/.exec(header) ?? [];
  if (count === undefined) return undefined;
  return { count: Number(count), ...(window === undefined ? {} : { windowSeconds: Number(window) }) };
}
