import { timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ClusterError, errorMessage } from '../errors.ts';
import { startSchema } from './protocol.ts';
import type { StartEvent } from './protocol.ts';
import type { Supervisor } from './supervisor.ts';

/** Maximum size of a request. A start request contains about a dozen paths. */
const MAX_BODY_BYTES = 64 * 1024;

export interface ControlOptions {
  readonly token: string;
  readonly supervisor: Supervisor;
  /** 0: any free port. */
  readonly port: number;
  /** Called when a client requests that the cluster outlives the process that started it. */
  onRelease(): void;
  onStop(): void;
}

/** Serves the supervisor's HTTP API on loopback, with a token that only the cluster's owner can read. */
export async function listen(options: ControlOptions): Promise<{ readonly port: number; close(): void }> {
  const server: Server = createServer((request, response) => {
    void handle(options, request, response).catch((error: unknown) => {
      if (!response.headersSent) response.statusCode = 500;
      response.end(errorMessage(error));
    });
  });
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  server.once('error', reject);
  server.listen({ host: '127.0.0.1', port: options.port }, () => {
    resolve(undefined);
  });
  await promise;
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function handle(options: ControlOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (!isAuthorized(request, options.token)) {
    response.writeHead(401).end();
    return;
  }
  switch (`${request.method ?? ''} ${request.url ?? ''}`) {
    case 'GET /status':
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(options.supervisor.status()));
      return;
    case 'POST /start':
      await start(options.supervisor, request, response);
      return;
    case 'POST /release':
      options.onRelease();
      response.end();
      return;
    case 'POST /stop':
      response.writeHead(202).end();
      options.onStop();
      return;
    default:
      response.writeHead(404).end();
  }
}

function isAuthorized(request: IncomingMessage, token: string): boolean {
  const given = Buffer.from(request.headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** Starts components. If the client disconnects before they are ready, the start is cancelled. */
async function start(supervisor: Supervisor, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const startRequest = startSchema.parse(JSON.parse(await readBody(request)));
  const disconnected = new AbortController();
  response.once('close', () => {
    disconnected.abort();
  });
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  const report = (event: StartEvent): void => {
    response.write(`${JSON.stringify(event)}\n`);
  };
  try {
    await supervisor.start(startRequest, disconnected.signal, report);
    report({ kind: 'ready' });
  } catch (error) {
    report({ kind: 'failed', message: errorMessage(error) });
  }
  response.end();
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new ClusterError('Supervisor', 'the request is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
