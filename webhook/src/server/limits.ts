/** What a client may take of the server: times in milliseconds. */
export interface Limits {
  /** How long an idle connection stays open. */
  readonly keepAliveMs: number;
  /** A whole TLS handshake. */
  readonly handshakeMs: number;
  readonly headersMs: number;
  /** A whole request, body included. */
  readonly requestMs: number;
  /** How often the two above are looked at. */
  readonly checkingMs: number;
  readonly connections: number;
  /** A connection ends with the first answer after this. */
  readonly connectionAgeMs: number;
}

export const LIMITS: Limits = {
  // Longer than the 90 s that the API server keeps idle connections: so it never writes into one that just closed.
  keepAliveMs: 95_000,
  handshakeMs: 5_000,
  headersMs: 5_000,
  // Node's own default leaves slow bodies over two minutes.
  requestMs: 15_000,
  checkingMs: 1_000,
  // A few API servers, each with one connection for each pod that is being created; 50 KB each.
  connections: 2_000,
  // New replicas get their share of the API server's long-lived connections.
  connectionAgeMs: 300_000,
};

/** Connections opened together do not end together: each gets up to a tenth less. */
export const CONNECTION_AGE_SPREAD = 0.1;
