/** Limits of the server that apply to its clients. Times are in milliseconds. */
export interface Limits {
  /** Idle timeout of a connection. */
  readonly keepAliveMs: number;
  /** Timeout of the TLS handshake. */
  readonly handshakeMs: number;
  readonly headersMs: number;
  /** Timeout of a whole request. A body is dropped earlier, at the deadline of its review. */
  readonly requestMs: number;
  /** Interval at which headersMs and requestMs are checked. */
  readonly checkingMs: number;
  /** Maximum number of connections. Above it, the longest idle one is closed. */
  readonly connections: number;
  /** Maximum age of a connection. An older connection is closed after its next response. */
  readonly connectionAgeMs: number;
}

export const LIMITS: Limits = {
  // This is longer than the API server's idle timeout of 90 s. So the API server never writes to a connection that the
  // server has just closed.
  keepAliveMs: 95_000,
  handshakeMs: 3_000,
  headersMs: 3_000,
  // Node's default allows a slow request five minutes.
  requestMs: 5_000,
  checkingMs: 1_000,
  // The clients are a few API servers. Each of them uses one connection per pod that is being created. A connection
  // takes 50 KB.
  connections: 2_000,
  // Connections are closed after this time, so that the API server also opens connections to new replicas.
  connectionAgeMs: 300_000,
};

/** Jitter of connectionAgeMs, as a fraction. With it, connections that were opened together do not close together. */
export const CONNECTION_AGE_SPREAD = 0.1;
