import type { Clock } from '@archpolicy/async';
import { ApiClient, KubeConfigCredentials } from '@archpolicy/kube';
import { withVariableContext } from '@archpolicy/service';
import type { Logger } from '@archpolicy/service';

export interface ConnectOptions {
  /** Path of a kubeconfig; the in-cluster account without it. */
  readonly kubeconfig: string | undefined;
  /** The `User-Agent` header, as in the API server's audit log: `archpolicy-webhook/VERSION`. */
  readonly userAgent: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Returns a client of the API server; sends nothing. Reads the kubeconfig once, so that a wrong one ends the start and not
 * the first call.
 * @throws ConfigError that names ARCHPOLICY_KUBECONFIG
 */
export async function connectApi({ kubeconfig, userAgent, clock, logger }: ConnectOptions): Promise<ApiClient> {
  const location = kubeconfig === undefined ? 'in-cluster' : { file: kubeconfig };
  const credentials = new KubeConfigCredentials(location, clock, logger);
  const variable = { variable: 'ARCHPOLICY_KUBECONFIG', value: kubeconfig, example: '/home/me/.kube/config' };
  await withVariableContext(variable, () => credentials.read());
  return new ApiClient({ credentials, clock, userAgent });
}
