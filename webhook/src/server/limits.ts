/** Limits of the server for each client. Times in milliseconds. */
export interface Limits {
  /** Idle timeout of a connection. */
  readonly keepAliveMs: number;
  /** Timeout of the TLS handshake. */
  readonly handshakeMs: number;
  readonly headersMs: number;
  /** Timeout of a whole request, body included. */
  readonly requestMs: number;
  /** How often headersMs and requestMs are checked. */
  readonly checkingMs: number;
  readonly connections: number;
  /** Maximum age: the connection is closed after the first response past it. */
  readonly connectionAgeMs: number;
}

export const LIMITS: Limits = {
  // Longer than the API server's idle timeout of 90 s, so that it never writes to a connection that was just closed.
  keepAliveMs: 95_000,
  handshakeMs: 5_000,
  headersMs: 5_000,
  // Node's default gives slow bodies over two minutes.
  requestMs: 15_000,
  checkingMs: 1_000,
  // A few API servers, each with one connection per pod being created. A connection takes 50 KB.
  connections: 2_000,
  // Rebalances the API server's long-lived connections onto new replicas.
  connectionAgeMs: 300_000,
};

/** Jitter of connectionAgeMs, as a fraction: connections opened together do not close together. */
export const CONNECTION_AGE_SPREAD = 0.1;
