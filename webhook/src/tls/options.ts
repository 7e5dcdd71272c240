import type { SecureContextOptions } from 'node:tls';

/**
 * TLS options of the server beside certificate and key. Passed when a pair is checked and at each reload: an option that
 * is left out at a reload falls back to Node's default without an error.
 */
export const TLS_OPTIONS = { minVersion: 'TLSv1.3' } as const satisfies SecureContextOptions;
