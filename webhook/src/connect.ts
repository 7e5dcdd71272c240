import type { Clock } from '@archpolicy/async';
import { ApiClient, KubeConfigCredentials } from '@archpolicy/kube';
import { followRegistries } from '@archpolicy/registry';
import type { FollowedRegistries, RegistryMetrics } from '@archpolicy/registry';
import { using } from '@archpolicy/service';
import type { Logger } from '@archpolicy/service';
import type { WebhookConfig } from './config.ts';
import { NAME, VERSION } from './identity.ts';

/**
 * The API server's client. Its kubeconfig, or else the in-cluster account, is read once here, so that a wrong one ends the
 * start and not the first call.
 * @throws ConfigError
 */
export async function connectApi(
  { kubeconfig }: WebhookConfig,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<ApiClient> {
  const location = kubeconfig === undefined ? 'in-cluster' : { file: kubeconfig };
  const credentials = new KubeConfigCredentials(location, clock, logger);
  const variable = { variable: 'ARCHPOLICY_KUBECONFIG', value: kubeconfig, example: '/home/me/.kube/config' };
  await using(variable, () => credentials.read());
  return new ApiClient({ credentials, clock, userAgent: `${NAME}/${VERSION}` });
}

/**
 * The registries file, followed as it changes, or the defaults when there is none.
 * @throws ConfigError
 */
export function openRegistries(
  { registriesFile: value }: WebhookConfig,
  parts: { readonly clock: Clock; readonly logger: Logger; readonly metrics: RegistryMetrics },
): Promise<FollowedRegistries> {
  const example = '/etc/archpolicy/registries/registries.yaml';
  return using({ variable: 'ARCHPOLICY_REGISTRIES_FILE', value, example }, () => followRegistries(value, parts));
}
