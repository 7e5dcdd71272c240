import type { Clock } from '@archpolicy/async';
import { followRegistries } from '@archpolicy/registry';
import type { FollowedRegistries, RegistryMetrics } from '@archpolicy/registry';
import { withVariableContext } from '@archpolicy/service';
import type { Logger } from '@archpolicy/service';

/**
 * Opens the registries file, which is reloaded when it changes; returns the defaults if no file is configured.
 * @throws ConfigError that names ARCHPOLICY_REGISTRIES_FILE
 */
export function openRegistries(
  { registriesFile: value }: { readonly registriesFile: string | undefined },
  parts: { readonly clock: Clock; readonly logger: Logger; readonly metrics: RegistryMetrics },
): Promise<FollowedRegistries> {
  const example = '/etc/archpolicy/registries/registries.yaml';
  return withVariableContext({ variable: 'ARCHPOLICY_REGISTRIES_FILE', value, example }, () =>
    followRegistries(value, parts),
  );
}
