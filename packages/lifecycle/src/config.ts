import { commonVariables, readConfig } from '@archpolicy/service';
import type { Config, Environment } from '@archpolicy/service';

const { kubeconfig, namespace, commit } = commonVariables;

/** All environment variables of the lifecycle program. `--help` prints this table. */
export const variables = { kubeconfig, namespace, commit } as const;

export type LifecycleConfig = Config<typeof variables>;

/** @throws ConfigError whose message is one line that names the invalid variable */
export function readLifecycleConfig(environment: Environment): LifecycleConfig {
  return readConfig(variables, environment);
}
