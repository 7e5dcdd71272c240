import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import type { Address } from './config/schemas.ts';
import { ConnectionTable } from './connection-table.ts';
import { ServiceError } from './errors.ts';
import type { Health, HealthReport } from './health.ts';

/** Maximum number of connections, enough for probes and a few scrapers. Above it, the longest idle one is closed. */
const MAX_CONNECTIONS = 64;
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
const CHECKING_INTERVAL_MS = 1_000;
/** Maximum size of the request line and headers, enough for a few headers. */
const MAX_HEADER_BYTES = 8 * 1024;

export interface OpsServerOptions {
  readonly address: Address;
  readonly health: Health;
  /** The metrics. Without it, the server has no `/metrics`. */
  readonly registry?: Registry;
}

/** The listening server of health and metrics. */
export interface OpsServer {
  /** The port on which the server listens, even if port 0 was configured. */
  readonly port: number;
  /** Ends all connections and releases the port. */
  close(): Promise<void>;
}

/**
 * Starts `/healthz`, `/readyz` and, with a registry, `/metrics`.
 * @throws ServiceError when the address cannot be listened on
 */
export async function startOpsServer(options: OpsServerOptions): Promise<OpsServer> {
  const connections = new ConnectionTable(MAX_CONNECTIONS);
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: CHECKING_INTERVAL_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    (request, response) => {
      connections.begin(request.socket);
      void answer(options, request, response).finally(() => {
        connections.end(request.socket);
      });
    },
  );
  connections.watch(server);
  const port = await listen(server, options.address);
  return { port, close: () => closeServer(server) };
}

/**
 * Listens on an address; resolves with the port.
 * @throws ServiceError
 */
export async function listen(
  server: Pick<Server, 'listen' | 'on' | 'once' | 'off' | 'address'>,
  { host, port }: Address,
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const failed = (cause: Error) => {
      reject(new ServiceError('ListenFailed', `cannot listen on ${host}:${port}: ${cause.message}`, { cause }));
    };
    server.once('error', failed);
    server.listen({ port, ...(host === '' ? {} : { host }) }, () => {
      server.off('error', failed);
      // From now on, an error means that one connection could not be accepted (too many open files). The server goes on.
      server.on('error', () => undefined);
      resolve();
    });
  });
  const bound = server.address() as AddressInfo;
  return bound.port;
}

async function closeServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}

async function answer(
  { health, registry }: OpsServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    send(response, 405, 'text/plain', 'method not allowed\n');
    return;
  }
  const path = request.url?.split('?', 1)[0];
  if (path === '/healthz') sendReport(response, health.live());
  else if (path === '/readyz') sendReport(response, health.ready());
  else if (path === '/metrics' && registry !== undefined) await sendMetrics(response, registry);
  else send(response, 404, 'text/plain', 'not found\n');
}

async function sendMetrics(response: ServerResponse, registry: Registry): Promise<void> {
  try {
    send(response, 200, registry.contentType, await registry.metrics());
  } catch {
    send(response, 500, 'text/plain', 'a metric could not be read\n');
  }
}

function sendReport(response: ServerResponse, report: HealthReport): void {
  send(response, report.ok ? 200 : 503, 'application/json', `${JSON.stringify(report)}\n`);
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    // Probes and scrapers send one request each. The body of a request with another method is not read, and would be
    // parsed as the next request.
    connection: 'close',
    ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
  });
  response.end(body);
}
