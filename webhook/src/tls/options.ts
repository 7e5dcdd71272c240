import type { SecureContextOptions } from 'node:tls';

/**
 * TLS options of the server in addition to certificate and key. They must be passed for the check of a pair and for
 * each reload. If a reload omits an option, Node's default replaces it without an error.
 */
export const TLS_OPTIONS = { minVersion: 'TLSv1.3' } as const satisfies SecureContextOptions;
