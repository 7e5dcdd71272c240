/** The version of all programs, which are released together. */
export const VERSION = '0.1.0';

/** The name of the operator, its Lease and its ServiceAccount. The leader renews the Lease. */
export const OPERATOR = 'archpolicy-operator';

/** The name of the webhook, its Lease and its ServiceAccount. Each serving replica renews the Lease. */
export const WEBHOOK = 'archpolicy-webhook';
