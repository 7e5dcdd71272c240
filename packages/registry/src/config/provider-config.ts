import { parseGoDuration } from '@archpolicy/core';
import { z } from 'zod';
import { describeProblems } from '../yaml/schema-problems.ts';
import { parseYamlText } from '../yaml/yaml-text.ts';
import { RegistryError } from '../errors.ts';
import { parsePattern } from '../image/match-pattern.ts';
import type { ParsedMatchPattern } from '../image/match-pattern.ts';
import { MatchIndex, MAX_WILDCARD_HOSTS } from '../image/match-index.ts';

/** One credential-provider plugin of the kubelet. */
export interface ProviderConfig {
  readonly name: string;
  readonly apiVersion: string;
  readonly matchImages: Pick<MatchIndex<unknown>, 'matches'>;
  readonly defaultCacheMs: number;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const MAX_PROVIDERS = 50;
const MAX_PATTERNS = 200;

const duration = z.string().transform((text, context) => {
  const ms = parseGoDuration(text);
  if (ms !== undefined) return ms;
  context.addIssue({ code: 'custom', message: 'expected a duration such as 12h0m0s' });
  return z.NEVER;
});

/**
 * Parses an entry of `matchImages`. Rejects an entry that cannot match an image, or that exceeds a bound. The kubelet,
 * too, rejects entries that it cannot parse.
 */
const matchImage = z.string().transform((text, context): ParsedMatchPattern => {
  const parse = parsePattern(text);
  if (parse.kind === 'ok') return parse.value;
  context.addIssue({ code: 'custom', message: `cannot be used (${parse.failure})` });
  return z.NEVER;
});

/** `CredentialProviderConfig`: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1/#CredentialProviderConfig */
const schema = z.object({
  kind: z.literal('CredentialProviderConfig'),
  providers: z
    .array(
      z.object({
        // The name of a file in the plugins' directory. A path that leaves this directory is invalid.
        name: z
          .string()
          .regex(/^[^/\\\s]{1,255}$/)
          .refine((name) => name !== '.' && name !== '..'),
        matchImages: z.array(matchImage).min(1).max(MAX_PATTERNS),
        defaultCacheDuration: duration,
        apiVersion: z.string().regex(/^credentialprovider\.kubelet\.k8s\.io\/v1(beta1|alpha1)?$/),
        args: z.array(z.string()).nullish(),
        env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
      }),
    )
    .max(MAX_PROVIDERS),
});

/**
 * Parses the kubelet's credential-provider configuration.
 * @throws RegistryError with code RegistriesFile
 */
export function parseProviderConfig(text: string): readonly ProviderConfig[] {
  const yaml = parseYamlText(text, 'credential providers');
  const result = schema.safeParse(yaml.value);
  if (!result.success) {
    throw new RegistryError('RegistriesFile', `credential providers: ${describeProblems(result.error, yaml)}`);
  }
  const { providers } = result.data;
  if (wildcardHosts(providers.flatMap(({ matchImages }) => matchImages)) > MAX_WILDCARD_HOSTS) {
    throw new RegistryError('RegistriesFile', `credential providers: over ${MAX_WILDCARD_HOSTS} hosts with wildcards`);
  }
  return providers.map((provider) => ({
    name: provider.name,
    apiVersion: provider.apiVersion,
    matchImages: new MatchIndex(provider.matchImages.map((pattern) => ({ pattern, value: provider.name }))),
    defaultCacheMs: provider.defaultCacheDuration,
    args: provider.args ?? [],
    env: Object.fromEntries((provider.env ?? []).map(({ name, value }) => [name, value])),
  }));
}

function wildcardHosts(patterns: readonly ParsedMatchPattern[]): number {
  return new Set(patterns.filter(({ globs }) => globs !== undefined).map(({ host }) => host)).size;
}
