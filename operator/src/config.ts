import { commonVariables, oneOf, readConfig, variable } from '@archpolicy/service';
import type { Config, Environment } from '@archpolicy/service';

/** Every variable of the operator: `--help` lists this table. */
export const variables = {
  ...commonVariables,
  keepWarm: variable({
    name: 'ARCHPOLICY_KEEP_WARM',
    description:
      'on: with a shared cache, look at the images in use again before what is known of them is past its time',
    example: 'off',
    default: 'on',
    schema: oneOf(['on', 'off']),
  }),
} as const;

export type OperatorConfig = Config<typeof variables>;

/**
 * Reads the operator's configuration.
 * @throws ConfigError, one line that names the variable
 */
export function readOperatorConfig(environment: Environment): OperatorConfig {
  return readConfig(variables, environment);
}
