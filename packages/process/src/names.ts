/** Released together: all programs have one version. */
export const VERSION = '0.1.0';

/** The operator's name; its Lease and ServiceAccount have it as well. The leader renews the Lease. */
export const OPERATOR = 'archpolicy-operator';

/** The webhook's name; its Lease and ServiceAccount have it as well. Any replica that serves renews the Lease. */
export const WEBHOOK = 'archpolicy-webhook';
