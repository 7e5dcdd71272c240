import {
  address,
  commonVariables,
  durationMs,
  optionalVariable,
  path,
  readConfig,
  variable,
  wholeNumber,
} from '@archpolicy/service';
import type { Config, Environment } from '@archpolicy/service';

/** Maximum of `drainSeconds`. It is longer than any sensible `terminationGracePeriodSeconds`. */
const MAX_DRAIN_SECONDS = 300;
/**
 * Maximum of `inspectionBudgetMs`. A larger budget would have no effect, because the deadline of a review is at most
 * 1.5 s (docs/design.md, section 8).
 */
const MAX_INSPECTION_BUDGET_MS = 1_500;

/** All environment variables of the webhook. `--help` prints this table. */
export const variables = {
  ...commonVariables,
  webhookAddress: variable({
    name: 'ARCHPOLICY_WEBHOOK_ADDRESS',
    description: 'host:port of /mutate',
    example: '127.0.0.1:9443',
    default: ':9443',
    schema: address,
  }),
  tlsDirectory: variable({
    name: 'ARCHPOLICY_TLS_DIRECTORY',
    description: 'directory with tls.crt and tls.key, reloaded when they change',
    example: '/etc/archpolicy/tls',
    default: '/etc/archpolicy/tls',
    schema: path,
  }),
  clientCaFile: optionalVariable({
    name: 'ARCHPOLICY_CLIENT_CA_FILE',
    description: 'CA certificates (PEM) of API servers; with it, callers without a client certificate are rejected',
    example: '/etc/archpolicy/client-ca/ca.crt',
    schema: path,
  }),
  drainSeconds: variable({
    name: 'ARCHPOLICY_DRAIN_SECONDS',
    description: `seconds to keep serving after SIGTERM, until endpoints have removed the pod; 0 to ${MAX_DRAIN_SECONDS}`,
    example: '10',
    default: '10',
    schema: wholeNumber({ min: 0, max: MAX_DRAIN_SECONDS }),
  }),
  inspectionBudgetMs: variable({
    name: 'ARCHPOLICY_INSPECTION_BUDGET',
    description: `how long a review waits for image inspection; 0ms to ${MAX_INSPECTION_BUDGET_MS}ms, in whole numbers`,
    example: '400ms',
    default: '400ms',
    schema: durationMs({ min: 0, max: MAX_INSPECTION_BUDGET_MS }),
  }),
} as const;

export type WebhookConfig = Config<typeof variables>;

/**
 * Reads the webhook's configuration from environment variables.
 * @throws ConfigError
 */
export function readWebhookConfig(environment: Environment): WebhookConfig {
  return readConfig(variables, environment);
}
