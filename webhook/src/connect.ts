import { ApiClient, KubeConfigCredentials } from '@archpolicy/kube';
import { WatchedRegistries, fixedRegistries } from '@archpolicy/registry';
import type { RegistriesSource, RegistryMetrics } from '@archpolicy/registry';
import { ConfigError } from '@archpolicy/service';
import type { Clock, Logger } from '@archpolicy/service';
import type { WebhookConfig } from './config.ts';
import { NAME, VERSION } from './identity.ts';

/**
 * The API server's client. Its kubeconfig is read once here, so that a wrong one ends the start and not the first call.
 * @throws ConfigError
 */
export async function connectApi({ kubeconfig }: WebhookConfig, clock: Clock): Promise<ApiClient> {
  const credentials = new KubeConfigCredentials(kubeconfig === undefined ? 'in-cluster' : { file: kubeconfig }, clock);
  try {
    await credentials.read();
  } catch (error) {
    const where = kubeconfig === undefined ? 'it is not set and there is no in-cluster account' : `"${kubeconfig}"`;
    throw new ConfigError('ARCHPOLICY_KUBECONFIG', `${where} (${reasonOf(error)})`, '/home/me/.kube/config');
  }
  return new ApiClient({ credentials, clock, userAgent: `${NAME}/${VERSION}` });
}

/** Where the inspector learns about registries, and what keeps that up to date. */
export interface Registries {
  readonly source: RegistriesSource;
  /** Follows the file until the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/**
 * The registries file, followed as it changes, or the defaults when there is none.
 * @throws ConfigError
 */
export async function openRegistries(
  { registriesFile: path }: WebhookConfig,
  parts: { readonly clock: Clock; readonly logger: Logger; readonly metrics: RegistryMetrics },
): Promise<Registries> {
  if (path === undefined) return { source: fixedRegistries(), run: () => Promise.resolve() };
  try {
    const source = await WatchedRegistries.open({ path, ...parts });
    return { source, run: (signal) => source.run(signal) };
  } catch (error) {
    const problem = `"${path}" cannot be used (${reasonOf(error)})`;
    throw new ConfigError('ARCHPOLICY_REGISTRIES_FILE', problem, '/etc/archpolicy/registries/registries.yaml');
  }
}

/** Both packages' errors say what is wrong in their message, and in that of what caused them; neither holds a secret. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unexpected failure';
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
