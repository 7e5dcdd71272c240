import type { Clock } from '@archpolicy/async';
import { ApiClient, KubeConfigCredentials } from '@archpolicy/kube';
import { withVariableContext } from '@archpolicy/service';
import type { Logger } from '@archpolicy/service';

export interface ConnectOptions {
  /** Path of a kubeconfig. Without it, the in-cluster account is used. */
  readonly kubeconfig: string | undefined;
  /** The `User-Agent` header, as in the API server's audit log: `archpolicy-webhook/VERSION`. */
  readonly userAgent: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Creates a client of the API server, without sending a request. Reads the kubeconfig once, so that a wrong kubeconfig
 * fails at the start of the process, not at the first request.
 * @throws ConfigError that names ARCHPOLICY_KUBECONFIG
 */
export async function connectApi({ kubeconfig, userAgent, clock, logger }: ConnectOptions): Promise<ApiClient> {
  const location = kubeconfig === undefined ? 'in-cluster' : { file: kubeconfig };
  const credentials = new KubeConfigCredentials(location, clock, logger);
  const variable = { variable: 'ARCHPOLICY_KUBECONFIG', value: kubeconfig, example: '/home/me/.kube/config' };
  await withVariableContext(variable, () => credentials.read());
  return new ApiClient({ credentials, clock, userAgent });
}
