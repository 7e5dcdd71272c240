import { ByteServer } from './byte-server.ts';
import type { ByteConnection } from './byte-server.ts';
import type { RawAnswer } from './write-answer.ts';

/** The first byte of a TLS handshake: https://www.rfc-editor.org/rfc/rfc8446#section-5.1. */
const TLS_HANDSHAKE = '\u0016';

/** A request without a body. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
  /** The value of the `Host` header. */
  readonly host: string;
  /** Whether the request has an `Authorization` header. */
  readonly isAuthorized: boolean;
  readonly userAgent: string;
}

/** An HTTP server on loopback that sends raw bytes, because Node cannot send every framing and header. */
export class RawServer extends ByteServer {
  /** Set to respond. */
  answer: (request: RawRequest) => RawAnswer = () => ({ pieces: [], then: 'end' });

  protected serve({ socket, send }: ByteConnection): (text: string) => void {
    let received = '';
    return (text) => {
      received += text;
      // A TLS handshake, which the client would await until its timeout.
      if (received.startsWith(TLS_HANDSHAKE)) {
        socket.resetAndDestroy();
        return;
      }
      const requests = received.split('\r\n\r\n');
      received = requests.pop() ?? '';
      for (const head of requests) {
        const [method = '', path = ''] = head.split(' ');
        const header = (name: string): string => new RegExp(`^${name}: *(\\S*)`, 'im').exec(head)?.[1] ?? '';
        const isAuthorized = header('authorization') !== '';
        const request = { method, path, host: header('host'), isAuthorized, userAgent: header('user-agent') };
        send(this.answer(request));
      }
    };
  }
}
