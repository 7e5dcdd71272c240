import { commonVariables, readConfig } from '@archpolicy/service';
import type { Config, Environment } from '@archpolicy/service';

/** Every variable of the operator: `--help` lists this table. */
export const variables = { ...commonVariables };

export type OperatorConfig = Config<typeof variables>;

/**
 * Reads the operator's configuration.
 * @throws ConfigError, one line that names the variable
 */
export function readOperatorConfig(environment: Environment): OperatorConfig {
  return readConfig(variables, environment);
}
