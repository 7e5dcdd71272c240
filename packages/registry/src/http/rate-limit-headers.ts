import type { IncomingHttpHeaders } from 'node:http';

/** Maximum length of a window: the window of Docker Hub, which is the longest known one. */
const MAX_WINDOW_SECONDS = 6 * 60 * 60;

/**
 * Computes from the `ratelimit-*` headers of a registry how long to pause requests, in milliseconds. When no request
 * remains, the pause is one request's share of the window. Returns 0 when requests remain, or when the headers are
 * absent or malformed.
 *
 * @see https://docs.docker.com/docker-hub/usage/pulls/#view-pull-rate-and-limit
 * @example ratelimit-limit: 100;w=21600
 * @example ratelimit-remaining: 0;w=21600
 */
export function pauseFromHeaders(headers: IncomingHttpHeaders): number {
  const limit = parse(headers['ratelimit-limit']);
  const remaining = parse(headers['ratelimit-remaining']);
  if (limit === undefined || remaining === undefined || remaining.count > 0 || limit.count < 1) return 0;
  const windowSeconds = Math.min(remaining.windowSeconds ?? limit.windowSeconds ?? 0, MAX_WINDOW_SECONDS);
  return (windowSeconds * 1000) / limit.count;
}

/** The requests that a registry allows in a window, and how many of them remain. */
export interface Quota {
  readonly limit: number;
  readonly remaining: number;
}

/** Parses the `ratelimit-*` headers of a response. Returns undefined if they are absent or malformed. */
export function quotaFromHeaders(headers: IncomingHttpHeaders): Quota | undefined {
  const limit = parse(headers['ratelimit-limit']);
  const remaining = parse(headers['ratelimit-remaining']);
  if (limit === undefined || remaining === undefined || limit.count < 1) return undefined;
  return { limit: limit.count, remaining: remaining.count };
}

function parse(
  header: string | readonly string[] | undefined,
): { readonly count: number; readonly windowSeconds?: number } | undefined {
  if (typeof header !== 'string' || header.length > 100) return undefined;
  const [, count, window] = /^\s*([0-9]{1,9})(?:\s*;\s*w=([0-9]{1,9}))?/.exec(header) ?? [];
  if (count === undefined) return undefined;
  return { count: Number(count), ...(window === undefined ? {} : { windowSeconds: Number(window) }) };
}
