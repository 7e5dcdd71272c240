import {
  address,
  commonVariables,
  ConfigError,
  durationMs,
  oneOf,
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
/** The port of each kubelet on its node. */
const KUBELET_PORT = 10_250;

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
  tlsDirectory: optionalVariable({
    name: 'ARCHPOLICY_TLS_DIRECTORY',
    description:
      'directory with tls.crt and tls.key, reloaded when they change; without it, Secret archpolicy-webhook-tls',
    example: '/etc/archpolicy/tls',
    schema: path,
  }),
  clientCaFile: optionalVariable({
    name: 'ARCHPOLICY_CLIENT_CA_FILE',
    description: 'CA certificates (PEM) of API servers; with it, callers without a client certificate are rejected',
    example: '/etc/archpolicy/client-ca/ca.crt',
    schema: path,
  }),
  hostNetwork: variable({
    name: 'ARCHPOLICY_HOST_NETWORK',
    description:
      "true: the pod uses the network of its node (hostNetwork), in which port 10250 is the kubelet's; false",
    example: 'true',
    default: 'false',
    schema: oneOf(['true', 'false']),
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
  const config = readConfig(variables, environment);
  checkPorts(config);
  return config;
}

/**
 * Rejects the kubelet's port in the network of a node. The server cannot listen on it there, and the error of the system
 * (`EADDRINUSE`) does not name the other program.
 */
function checkPorts(config: WebhookConfig): void {
  if (config.hostNetwork === 'false') return;
  for (const key of ['webhookAddress', 'metricsAddress', 'probesAddress'] as const) {
    if (config[key]?.port !== KUBELET_PORT) continue;
    const problem = `port ${KUBELET_PORT} is the kubelet's in the network of the node (${variables.hostNetwork.name}=true)`;
    throw new ConfigError(variables[key].name, problem, ':10260');
  }
}
