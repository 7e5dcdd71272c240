import { isDigest, isJsonObject, jsonOrUndefined, parseDeclaredPlatform } from '@archpolicy/core';
import type { ContentFacts, Json, JsonObject } from '@archpolicy/core';
import type { FetchFailure } from '../http/outcome.ts';
import type { Refusal, Shown } from './memory-cache.ts';

/** Facts as they are kept in a shared store. */
export function encodeFacts(content: ContentFacts): string {
  return JSON.stringify(content);
}

/** Undefined when it is none of ours: what is read is judged as if a stranger had written it. */
export function decodeFacts(text: string): ContentFacts | undefined {
  const json = parseObject(text);
  const kind = json?.['kind'];
  if (kind === 'neutral' || kind === 'unknown' || kind === 'malformed') return { kind };
  const platforms = json?.['platforms'];
  if (kind !== 'platforms' || !Array.isArray(platforms) || platforms.length === 0) return undefined;
  const parsed = (platforms as readonly Json[]).map(parseDeclaredPlatform);
  const known = parsed.flatMap((declared) => (declared.kind === 'platform' ? [declared.platform] : []));
  const single = json?.['single'] === true && { single: true as const };
  return known.length === parsed.length ? { kind, platforms: known, ...single } : undefined;
}

/** What was shown to a scope, as it is kept in a shared store. */
export function encodeShown(shown: Shown): string {
  return JSON.stringify(shown);
}

export function decodeShown(text: string): Shown | undefined {
  const json = parseObject(text);
  const digest = json?.['digest'];
  const confirmedAtMs = json?.['confirmedAtMs'];
  if (typeof digest !== 'string' || !isDigest(digest) || typeof confirmedAtMs !== 'number') return undefined;
  return { digest, confirmedAtMs };
}

/** What the registry itself said: true for whoever asks with the same credential. Everything else is between it and one process. */
const SHARED_REASONS = ['Unauthorized', 'NotFound', 'Malformed', 'TooLarge'] as const;

/** A refusal as it is kept in a shared store; undefined when it is not for others. */
export function encodeRefusal({ failure, untilMs }: Refusal): string | undefined {
  return isShared(failure.reason) ? JSON.stringify({ reason: failure.reason, untilMs }) : undefined;
}

export function decodeRefusal(text: string): Refusal | undefined {
  const json = parseObject(text);
  const reason = SHARED_REASONS.find((known) => known === json?.['reason']);
  const untilMs = json?.['untilMs'];
  if (reason === undefined || typeof untilMs !== 'number') return undefined;
  return { failure: { kind: 'failed', reason, retryAtMs: untilMs }, untilMs, pauseMs: 0 };
}

function isShared(reason: FetchFailure['reason']): boolean {
  return SHARED_REASONS.some((shared) => shared === reason);
}

function parseObject(text: string): JsonObject | undefined {
  const json = jsonOrUndefined(text);
  return isJsonObject(json) ? json : undefined;
}
