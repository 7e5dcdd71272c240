import { commonVariables, oneOf, readConfig, variable, wholeNumber } from '@archpolicy/service';
import type { Config, Environment } from '@archpolicy/service';

/** As of one policy. More requests a second are too many for one client of an API server. */
const MAX_EVICTIONS_PER_MINUTE = 6_000;

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
  maxEvictionsPerMinute: variable({
    name: 'ARCHPOLICY_MAX_EVICTIONS_PER_MINUTE',
    description: `most eviction requests a minute of all policies together; 1 to ${MAX_EVICTIONS_PER_MINUTE}`,
    example: '300',
    default: '300',
    schema: wholeNumber({ min: 1, max: MAX_EVICTIONS_PER_MINUTE }),
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
