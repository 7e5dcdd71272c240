import { commonVariables, oneOf, readConfig, variable } from '@archpolicy/service';
import type { Config, Environment } from '@archpolicy/service';

/** All environment variables of the operator. `--help` prints this table. */
export const variables = {
  ...commonVariables,
  keepWarm: variable({
    name: 'ARCHPOLICY_KEEP_WARM',
    description: 'on: with a shared cache, revalidate images in use before their cache entries expire',
    example: 'off',
    default: 'on',
    schema: oneOf(['on', 'off']),
  }),
} as const;

export type OperatorConfig = Config<typeof variables>;

/**
 * Reads the operator's configuration.
 * @throws ConfigError whose message is one line that names the invalid variable
 */
export function readOperatorConfig(environment: Environment): OperatorConfig {
  return readConfig(variables, environment);
}
