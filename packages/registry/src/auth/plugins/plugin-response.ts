import { jsonOrUndefined, parseGoDuration, withoutUndefined } from '@archpolicy/core';
import { z } from 'zod';
import { toBasicCredential, parseEntries } from '../docker-config.ts';
import type { DockerConfig } from '../docker-config.ts';

/** The response of a plugin, with the duration and the key type of its cache entry. */
export interface PluginResponse extends DockerConfig {
  readonly cacheKeyType: 'Image' | 'Registry' | 'Global';
  /** How long the response may be cached, in milliseconds. Absent if the default of the configuration applies. */
  readonly cacheMs?: number;
}

/** Maximum number of credentials in a response. The plugins of clouds return one or two. */
const MAX_ENTRIES = 1_000;

/** `CredentialProviderResponse`: https://kubernetes.io/docs/reference/config-api/kubelet-credentialprovider.v1/ */
const schema = z.object({
  kind: z.literal('CredentialProviderResponse'),
  apiVersion: z.string(),
  cacheKeyType: z.enum(['Image', 'Registry', 'Global']),
  cacheDuration: z.string().nullish(),
  auth: z.record(z.string(), z.object({ username: z.string(), password: z.string() })).nullish(),
});

/**
 * Parses a plugin's output. Returns undefined when it is not a response of the requested version.
 *
 * @example {"kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1","cacheKeyType":"Registry",
 *   "cacheDuration":"12h","auth":{"*.dkr.ecr.*.amazonaws.com":{"username":"AWS","password":"…"}}}
 */
export function parsePluginResponse(text: string, apiVersion: string, source?: string): PluginResponse | undefined {
  const result = schema.safeParse(jsonOrUndefined(text));
  if (!result.success || result.data.apiVersion !== apiVersion) return undefined;
  const { cacheKeyType, cacheDuration, auth } = result.data;
  const cacheMs = cacheDuration === undefined || cacheDuration === null ? undefined : parseGoDuration(cacheDuration);
  const credentials = Object.entries(auth ?? {})
    .slice(0, MAX_ENTRIES)
    .map(([key, { username, password }]) => [key, toBasicCredential(username, password)] as const);
  return { ...parseEntries(credentials, source), cacheKeyType, ...withoutUndefined({ cacheMs }) };
}
