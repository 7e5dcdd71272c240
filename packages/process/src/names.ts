import manifest from '../../../package.json' with { type: 'json' };

/**
 * The version of all programs, which are released together. It is read when the module is loaded; a bundler inlines it.
 */
export const VERSION: string = manifest.version;

/** The name of the operator, its Lease and its ServiceAccount. The leader renews the Lease. */
export const OPERATOR = 'archpolicy-operator';

/** The name of the webhook, its Lease and its ServiceAccount. Each serving replica renews the Lease. */
export const WEBHOOK = 'archpolicy-webhook';

/** The Secret with the serving pair of the webhook, in our namespace. The operator or a certificate issuer writes it. */
export const WEBHOOK_TLS_SECRET = 'archpolicy-webhook-tls';
