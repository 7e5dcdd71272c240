import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { RegistryError } from '../../errors.ts';
import { parsePattern } from '../image-match.ts';
import type { MatchPattern } from '../image-match.ts';
import { parseGoDuration } from './go-duration.ts';

/** One credential-provider plugin of the kubelet. */
export interface ProviderConfig {
  readonly name: string;
  readonly apiVersion: string;
  readonly matchImages: readonly MatchPattern[];
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

/** `CredentialProviderConfig`: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1/#CredentialProviderConfig */
const schema = z.object({
  kind: z.literal('CredentialProviderConfig'),
  providers: z
    .array(
      z.object({
        // A file of the plugins' directory, never a path out of it.
        name: z
          .string()
          .regex(/^[^/\\\s]{1,255}$/)
          .refine((name) => name !== '.' && name !== '..'),
        matchImages: z.array(z.string()).min(1).max(MAX_PATTERNS),
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
 * @throws RegistryError with code REGISTRIES_FILE
 */
export function parseProviderConfig(text: string): readonly ProviderConfig[] {
  const result = schema.safeParse(readYaml(text));
  if (!result.success) {
    const fields = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new RegistryError('REGISTRIES_FILE', `credential providers: ${fields.slice(0, 5).join('; ')}`);
  }
  return result.data.providers.map((provider) => ({
    name: provider.name,
    apiVersion: provider.apiVersion,
    matchImages: provider.matchImages.map(parsePattern).filter((pattern) => pattern !== undefined),
    defaultCacheMs: provider.defaultCacheDuration,
    args: provider.args ?? [],
    env: Object.fromEntries((provider.env ?? []).map(({ name, value }) => [name, value])),
  }));
}

function readYaml(text: string): unknown {
  try {
    return parseYaml(text, { maxAliasCount: 0 });
  } catch (cause) {
    throw new RegistryError('REGISTRIES_FILE', 'credential providers: no YAML', { cause });
  }
}
