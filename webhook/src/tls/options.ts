import type { SecureContextOptions } from 'node:tls';

/**
 * TLS options of the server in addition to certificate and key. Pass these options to the check of a new pair of files
 * and to each reload. If a reload omits an option, Node uses the default of the option, without an error.
 */
export const TLS_OPTIONS = { minVersion: 'TLSv1.3' } as const satisfies SecureContextOptions;
