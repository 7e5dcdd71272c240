import { isDigest, isJsonObject, parseDeclaredPlatform } from '@archpolicy/core';
import type { ContentFacts, Json, JsonObject } from '@archpolicy/core';
import type { Shown } from './memory-cache.ts';

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
  return known.length === parsed.length ? { kind, platforms: known } : undefined;
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

function parseObject(text: string): JsonObject | undefined {
  try {
    const json = JSON.parse(text) as Json;
    return isJsonObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}
