import { commonVariables, durationMs, oneOf, readConfig, variable, wholeNumber } from '@archpolicy/service';
import type { Config, Environment } from '@archpolicy/service';

/** As of one policy. More requests a second are too many for one client of an API server. */
const MAX_EVICTIONS_PER_MINUTE = 6_000;

const MINUTE_MS = 60_000;
/** A rotation has waits of a tenth of the lifetime, and the webhook reads a new certificate within 30 s. */
const LIFETIME = durationMs({ min: 10 * MINUTE_MS, max: 10 * 365 * 24 * 60 * MINUTE_MS });

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
  certificates: variable({
    name: 'ARCHPOLICY_CERTIFICATES',
    description: 'operator: issue the webhook’s certificates; external: something else does, such as cert-manager',
    example: 'external',
    default: 'operator',
    schema: oneOf(['operator', 'external']),
  }),
  certificateLifetime: variable({
    name: 'ARCHPOLICY_CERTIFICATE_LIFETIME',
    description: 'lifetime of the webhook’s serving certificate, which is renewed after two thirds of it; 10m and more',
    example: '24h',
    default: '168h',
    schema: LIFETIME,
  }),
  caLifetime: variable({
    name: 'ARCHPOLICY_CA_LIFETIME',
    description:
      'lifetime of the CA of the webhook’s certificate, which is renewed after two thirds of it; 10m and more',
    example: '2160h',
    default: '8760h',
    schema: LIFETIME,
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
