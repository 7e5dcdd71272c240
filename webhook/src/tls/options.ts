import type { SecureContextOptions } from 'node:tls';

/**
 * TLS options of the server in addition to certificate and key. Pass them when a pair is checked and at each reload: an
 * option missing from a reload silently falls back to Node's default.
 */
export const TLS_OPTIONS = { minVersion: 'TLSv1.3' } as const satisfies SecureContextOptions;
