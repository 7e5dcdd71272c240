import type { Server, TLSSocket } from 'node:tls';
import { errorCode } from '@archpolicy/core';

/** OpenSSL's error for a client that sends no certificate although the server requires one. */
const NO_CERTIFICATE = 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE';

/** The reasons for which clients are rejected: no certificate, or one that no authority of the client CA confirms now. */
export const REJECTION_REASONS = ['no-certificate', 'invalid-certificate'] as const;

/** A connection that was rejected because of the client certificate. */
export interface ClientRejection {
  readonly reason: (typeof REJECTION_REASONS)[number];
  /** The code of OpenSSL, such as `CERT_HAS_EXPIRED`. */
  readonly code: string;
  readonly address: string | undefined;
}

/** Calls `onRejected` for each connection that is rejected because of the client certificate, not for other errors. */
export function watchClientRejections(server: Server, onRejected: (rejection: ClientRejection) => void): void {
  server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
    const address = socket.remoteAddress;
    if (errorCode(error) === NO_CERTIFICATE) {
      onRejected({ reason: 'no-certificate', code: NO_CERTIFICATE, address });
      return;
    }
    // Node sets the code of the verification here, and closes the connection. The types declare an error.
    const code = socket.authorizationError as string | Error | null | undefined;
    if (typeof code === 'string') onRejected({ reason: 'invalid-certificate', code, address });
  });
}
