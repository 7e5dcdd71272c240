import { Agent, request } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

export interface ClientAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Serial number of the server's certificate. */
  readonly serialNumber: string;
  /** The client's port: tells connections apart. */
  readonly localPort: number;
}

export interface ClientRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: Buffer | string;
}

/** A keep-alive HTTPS client with one connection, as the API server is one for webhooks. */
export class TlsClient {
  readonly #agent: Agent;
  readonly #port: number;

  constructor(port: number, ca: string, options: { readonly maxVersion?: 'TLSv1.2' } = {}) {
    this.#port = port;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1, ca, ...options });
  }

  send({
    method = 'POST',
    path = '/mutate?timeout=2s',
    headers = {},
    body = '',
  }: ClientRequest): Promise<ClientAnswer> {
    return new Promise((resolve, reject) => {
      const options = { agent: this.#agent, host: '127.0.0.1', port: this.#port, method, path };
      const outgoing = request(
        {
          ...options,
          headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers },
        },
        (response) => {
          const { socket } = response;
          const seen = { serialNumber: serialNumberOf(socket), localPort: socket.localPort ?? 0 };
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => {
            const { statusCode = 0, headers: received } = response;
            resolve({ status: statusCode, headers: received, body: Buffer.concat(chunks).toString(), ...seen });
          });
          response.on('error', reject);
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** The serial number of the certificate that a new connection to the port is served with. */
export async function handshake(port: number, ca: string): Promise<string> {
  const client = new TlsClient(port, ca);
  try {
    return (await client.send({ path: '/' })).serialNumber;
  } finally {
    client.close();
  }
}

function serialNumberOf(socket: Socket): string {
  return socket instanceof TLSSocket ? socket.getPeerCertificate().serialNumber : '';
}
