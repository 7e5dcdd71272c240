import { z } from 'zod';
import type { Credential } from '../credential.ts';
import { basic } from '../docker-config.ts';
import type { ConfigEntry } from '../docker-config.ts';
import { parsePattern } from '../image-match.ts';
import { parseGoDuration } from './go-duration.ts';

/** What a plugin answered, with how long and for what it may be kept. */
export interface PluginResponse {
  readonly entries: readonly ConfigEntry[];
  readonly cacheKeyType: 'Image' | 'Registry' | 'Global';
  /** Absent: the configuration's default. */
  readonly cacheMs?: number;
}

/** `CredentialProviderResponse`: https://kubernetes.io/docs/reference/config-api/kubelet-credentialprovider.v1/ */
const schema = z.object({
  kind: z.literal('CredentialProviderResponse'),
  apiVersion: z.string(),
  cacheKeyType: z.enum(['Image', 'Registry', 'Global']),
  cacheDuration: z.string().nullish(),
  auth: z.record(z.string(), z.object({ username: z.string(), password: z.string() })).nullish(),
});

/** Undefined when it is no response of the version that was asked for: nothing of it may be used. */
export function parsePluginResponse(text: string, apiVersion: string): PluginResponse | undefined {
  const result = schema.safeParse(parseJson(text));
  if (!result.success || result.data.apiVersion !== apiVersion) return undefined;
  const { cacheKeyType, cacheDuration, auth } = result.data;
  const cacheMs = cacheDuration === undefined || cacheDuration === null ? undefined : parseGoDuration(cacheDuration);
  const entries = Object.entries(auth ?? {}).flatMap(([key, { username, password }]) =>
    entry(key, basic(username, password)),
  );
  return { entries, cacheKeyType, ...(cacheMs === undefined ? {} : { cacheMs }) };
}

function entry(key: string, credential: Credential | undefined): readonly ConfigEntry[] {
  const pattern = parsePattern(key);
  return pattern === undefined || credential === undefined ? [] : [{ pattern, credential }];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
