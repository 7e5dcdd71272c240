import { once } from 'node:events';
import { createServer, request as forward } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { LoopbackServer } from '../http/index.ts';

/** How the proxy answers. */
export type ProxyFault =
  /** Answers with this status instead of forwarding. */
  | { readonly kind: 'answer'; readonly status: number }
  /** Accepts the request and never responds. */
  | { readonly kind: 'hang' }
  /** Closes the connection without a response. */
  | { readonly kind: 'reset' };

/** A request to the proxy. */
export interface ProxiedRequest {
  /** `CONNECT host:port`, or `GET http://host:port/path`. */
  readonly line: string;
  readonly authorization: string | undefined;
}

/**
 * A small HTTP proxy in this process, written by hand for tests: on a free loopback port, with tunnels (CONNECT) and
 * forwarded requests. Names lead to the ports of the test's own servers, because the proxy resolves them.
 */
export class ConnectProxy extends LoopbackServer {
  readonly requests: ProxiedRequest[] = [];
  fault: ProxyFault | undefined;
  /** The port on 127.0.0.1 of each `host:port`. */
  readonly targets = new Map<string, number>();

  constructor() {
    const server = createServer((request, response) => {
      this.#forward(request, response);
    });
    super(server);
    server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#tunnel(request, socket, head);
    });
  }

  get lines(): readonly string[] {
    return this.requests.map(({ line }) => line);
  }

  /** Resolves once no connection is open. */
  async untilIdle(): Promise<void> {
    for (const socket of this.sockets) await once(socket, 'close');
  }

  #tunnel(request: IncomingMessage, client: Duplex, head: Buffer): void {
    const authority = request.url ?? '';
    this.#record(`CONNECT ${authority}`, request);
    if (this.#injectFault(client)) return;
    const port = this.targets.get(authority);
    if (port === undefined) {
      client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
      return;
    }
    const target = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      target.write(head);
      target.pipe(client).pipe(target);
    });
    this.track(target);
    this.track(client);
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '', 'http://not-a-proxy-request');
    this.#record(`${request.method ?? ''} ${request.url ?? ''}`, request);
    if (this.#injectFault(request.socket)) return;
    const port = this.targets.get(url.host);
    if (port === undefined) {
      response.writeHead(502).end();
      return;
    }
    const headers = { ...request.headers };
    delete headers['proxy-authorization'];
    const path = `${url.pathname}${url.search}`;
    const onward = forward({ host: '127.0.0.1', port, method: request.method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  }

  #record(line: string, { headers }: IncomingMessage): void {
    this.requests.push({ line, authorization: headers['proxy-authorization'] });
  }

  #injectFault(client: Duplex): boolean {
    const { fault } = this;
    if (fault === undefined) return false;
    if (fault.kind === 'answer') client.write(`HTTP/1.1 ${fault.status} Fault\r\ncontent-length: 4\r\n\r\nbody`);
    if (fault.kind === 'reset') client.destroy();
    // Read, so that the end of the client's connection is noticed.
    else client.resume().on('end', () => client.destroy());
    return true;
  }
}
