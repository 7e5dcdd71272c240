import { ApiClient, KubeConfigCredentials } from '@archpolicy/kube';
import { fixedRegistries, readRegistriesFile } from '@archpolicy/registry';
import type { RegistriesSource } from '@archpolicy/registry';
import { ConfigError } from '@archpolicy/service';
import type { Clock } from '@archpolicy/service';
import type { OperatorConfig } from './config.ts';
import { NAME, VERSION } from './identity.ts';

/**
 * The API server's client. Its kubeconfig is read once here, so that a wrong one ends the start and not the first call.
 * @throws ConfigError
 */
export async function connectApi({ kubeconfig }: OperatorConfig, clock: Clock): Promise<ApiClient> {
  const credentials = new KubeConfigCredentials(kubeconfig === undefined ? 'in-cluster' : { file: kubeconfig }, clock);
  try {
    await credentials.read();
  } catch (error) {
    const where = kubeconfig === undefined ? 'it is not set and there is no in-cluster account' : `"${kubeconfig}"`;
    throw new ConfigError('ARCHPOLICY_KUBECONFIG', `${where} (${reasonOf(error)})`, '/home/me/.kube/config');
  }
  return new ApiClient({ credentials, clock, userAgent: `${NAME}/${VERSION}` });
}

/**
 * The registries file, if there is one.
 * @throws ConfigError
 */
export async function loadRegistries({ registriesFile }: OperatorConfig): Promise<RegistriesSource> {
  if (registriesFile === undefined) return fixedRegistries();
  try {
    return fixedRegistries(await readRegistriesFile(registriesFile));
  } catch (error) {
    const problem = `"${registriesFile}" cannot be used (${reasonOf(error)})`;
    throw new ConfigError('ARCHPOLICY_REGISTRIES_FILE', problem, '/etc/archpolicy/registries/registries.yaml');
  }
}

/** Both packages' errors say what is wrong in their message, and in that of what caused them; neither holds a secret. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unexpected failure';
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
