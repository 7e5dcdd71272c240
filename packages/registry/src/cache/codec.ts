import { isDigest, isJsonObject, isNodeArchitecture, jsonOrUndefined, parseDeclaredPlatform } from '@archpolicy/core';
import type { ContentFacts, Json, JsonObject, MissingPlatform } from '@archpolicy/core';
import type { FetchFailure } from '../http/outcome.ts';
import type { CachedMissing, CachedTag, NegativeEntry } from './memory-cache.ts';

/** Encodes facts: `{"kind":"platforms","platforms":[{"os":"linux","architecture":"arm64"}]}`. */
export function encodeFacts(content: ContentFacts): string {
  return JSON.stringify(content);
}

/** Decodes facts. Returns undefined when the text is invalid, because it is untrusted input. */
export function decodeFacts(text: string): ContentFacts | undefined {
  const json = parseObject(text);
  const kind = json?.['kind'];
  if (kind === 'neutral' || kind === 'unknown' || kind === 'malformed') return { kind };
  const declarations = json?.['platforms'];
  if (kind !== 'platforms' || !Array.isArray(declarations) || declarations.length === 0) return undefined;
  const parsed = (declarations as readonly Json[]).map(parseDeclaredPlatform);
  const platforms = parsed.flatMap((declared) => (declared.kind === 'platform' ? [declared.platform] : []));
  const single = json?.['single'] === true && { single: true as const };
  return platforms.length === parsed.length ? { kind, platforms, ...single } : undefined;
}

/** Encodes a tag: `{"digest":"sha256:…","confirmedAtMs":1767225600000}`. */
export function encodeTag(tag: CachedTag): string {
  return JSON.stringify(tag);
}

export function decodeTag(text: string): CachedTag | undefined {
  const json = parseObject(text);
  const digest = json?.['digest'];
  const confirmedAtMs = json?.['confirmedAtMs'];
  if (typeof digest !== 'string' || !isDigest(digest) || typeof confirmedAtMs !== 'number') return undefined;
  return { digest, confirmedAtMs };
}

/**
 * The failures that replicas share, because they are answers of the registry: every replica with the same credential
 * would get the same answer. Other failures concern one process only.
 */
const SHARED_REASONS = ['Unauthorized', 'NotFound', 'Malformed', 'TooLarge'] as const;

/**
 * Encodes a failure: `{"reason":"NotFound","untilMs":1767225630000}`. Returns undefined when the failure concerns this
 * process only.
 */
export function encodeNegativeEntry({ failure, untilMs }: NegativeEntry): string | undefined {
  return isShared(failure) ? JSON.stringify({ reason: failure.reason, untilMs }) : undefined;
}

export function decodeNegativeEntry(text: string): NegativeEntry | undefined {
  const json = parseObject(text);
  const reason = SHARED_REASONS.find((shared) => shared === json?.['reason']);
  const untilMs = json?.['untilMs'];
  if (reason === undefined || typeof untilMs !== 'number') return undefined;
  return { failure: { kind: 'failed', reason, retryAtMs: untilMs }, untilMs, pauseMs: 0 };
}

/** Encodes missing platforms: `{"digest":"sha256:…","platforms":[{"os":"linux","architecture":"amd64","sinceMs":1767225600000}]}`. */
export function encodeMissing(missing: CachedMissing): string {
  return JSON.stringify(missing);
}

export function decodeMissing(text: string): CachedMissing | undefined {
  const json = parseObject(text);
  const digest = json?.['digest'];
  const platforms = json?.['platforms'];
  if (typeof digest !== 'string' || !isDigest(digest) || !Array.isArray(platforms)) return undefined;
  const parsed = (platforms as readonly Json[]).map(decodeMissingPlatform).filter((platform) => platform !== undefined);
  return parsed.length === platforms.length ? { digest, platforms: parsed } : undefined;
}

function decodeMissingPlatform(json: Json): MissingPlatform | undefined {
  if (!isJsonObject(json)) return undefined;
  const { os, architecture, sinceMs } = json;
  if (typeof os !== 'string' || typeof architecture !== 'string' || typeof sinceMs !== 'number') return undefined;
  return isNodeArchitecture(architecture) ? { os, architecture, sinceMs } : undefined;
}

function isShared({ reason, isRequestRejected }: FetchFailure): boolean {
  return isRequestRejected !== true && SHARED_REASONS.some((shared) => shared === reason);
}

function parseObject(text: string): JsonObject | undefined {
  const json = jsonOrUndefined(text);
  return isJsonObject(json) ? json : undefined;
}
