import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { waitUnlessAborted } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { ConnectionTable, listen } from '@archpolicy/service';
import type { Address, CheckResult } from '@archpolicy/service';
import type { Certificate } from '../tls/certificate.ts';
import { watchClientRejections } from '../tls/client-rejections.ts';
import type { ClientRejection } from '../tls/client-rejections.ts';
import { TLS_OPTIONS } from '../tls/options.ts';
import { BodyReader } from './body.ts';
import type { BodyRead, UnreadReason } from './body.ts';
import { CONNECTION_AGE_SPREAD, LIMITS } from './limits.ts';
import type { Limits } from './limits.ts';
import { ReviewQueue } from './review-queue.ts';
import { reviewTimeoutMs } from './timeout.ts';

/** How long a review may always wait for its start, even if the timeout of the request allows less. */
const MIN_WAIT_MS = 50;

/** How long a connection stays open after a response to a client that is still sending its body. */
const LINGER_MS = 250;

/** The arrival of a review and the deadline of its response, monotonic milliseconds. */
export interface ReviewTimes {
  readonly arrivedAt: number;
  readonly deadline: number;
}

export interface HttpResponse {
  readonly status: number;
  readonly body: string;
}

/** Maps bodies of reviews to responses. No function rejects or throws. */
export interface ReviewHandler {
  handle(body: Buffer, times: ReviewTimes): Promise<HttpResponse>;
  /** Responds to a review that cannot start in time. Does not parse the body. */
  shed(body: Buffer): HttpResponse;
  /** Responds to a body of which the rest is not read. */
  rejectUnread(reason: UnreadReason, times: ReviewTimes): HttpResponse;
}

/** The serving certificate and its key, PEM. */
export type ServingPair = Pick<Certificate, 'cert' | 'key'>;

/** What the files of the server's TLS contain. */
export interface ServerTlsSettings {
  readonly certificate?: ServingPair;
  /** The authorities of client certificates, PEM. */
  readonly clientCa?: Buffer;
}

export interface WebhookServerOptions {
  readonly certificate: ServingPair;
  /** The authorities of client certificates, PEM. With them, clients without a certificate are rejected. */
  readonly clientCa?: Buffer;
  readonly address: Address;
  readonly handler: ReviewHandler;
  readonly clock: Clock;
  readonly random: () => number;
  /** The part of a review's time that is reserved for inspection, milliseconds. */
  readonly inspectionBudgetMs: number;
  /** Called for each connection that is closed because there are too many. */
  readonly onConnectionClosed?: () => void;
  /** Called for each connection that is rejected because of its client certificate. */
  readonly onClientRejected?: (rejection: ClientRejection) => void;
  /** Limits that tests override. */
  readonly limits?: Partial<Limits>;
}

/** Returns all options of the TLS context, because Node uses the default of each option that is missing at a reload. */
function toContextOptions({
  certificate: { cert, key },
  clientCa,
}: ServerTlsSettings & Pick<WebhookServerOptions, 'certificate'>): SecureContextOptions {
  return { ...TLS_OPTIONS, cert, key, ...(clientCa !== undefined && { ca: clientCa }) };
}

/** The HTTPS server of `POST /mutate`. */
export class WebhookServer {
  readonly #options: WebhookServerOptions;
  readonly #server: Server;
  #tls: ServerTlsSettings & Pick<WebhookServerOptions, 'certificate'>;
  readonly #queue: ReviewQueue;
  readonly #bodies: BodyReader;
  readonly #connections: ConnectionTable;
  readonly #maxConnections: number;
  /** The time at which each connection reaches its maximum age, monotonic milliseconds. */
  readonly maxAgeReachedAt = new WeakMap<Socket, number>();
  #draining = false;
  #inFlight = 0;
  onIdle: () => void = () => undefined;
  #lastUrl = '';
  lastTimeoutMs = 0;

  constructor(options: WebhookServerOptions) {
    this.#options = options;
    this.#queue = new ReviewQueue(options.clock);
    this.#bodies = new BodyReader(options.clock);
    this.#tls = options;
    const limits = { ...LIMITS, ...options.limits };
    this.#maxConnections = limits.connections;
    this.#connections = new ConnectionTable(limits.connections, options.onConnectionClosed);
    this.#server = createServer(
      {
        ...toContextOptions(this.#tls),
        requestCert: options.clientCa !== undefined,
        handshakeTimeout: limits.handshakeMs,
        headersTimeout: limits.headersMs,
        requestTimeout: limits.requestMs,
        connectionsCheckingInterval: limits.checkingMs,
        keepAliveTimeout: limits.keepAliveMs,
      },
      (request, response) => {
        this.#receive(request, response);
      },
    );
    this.#connections.watch(this.#server);
    if (options.onClientRejected !== undefined) watchClientRejections(this.#server, options.onClientRejected);
    this.#server.on('secureConnection', (socket) => {
      const age = limits.connectionAgeMs * (1 - CONNECTION_AGE_SPREAD * options.random());
      this.maxAgeReachedAt.set(socket, options.clock.monotonic() + age);
    });
  }

  /** The number of requests being read, queued or processed. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Whether a new connection would be accepted. */
  check(): CheckResult {
    if (!this.#server.listening) return { ok: false, reason: 'the server does not listen' };
    if (this.#connections.hasRoom) return { ok: true };
    return { ok: false, reason: `all ${this.#maxConnections} connections wait for responses` };
  }

  /**
   * Starts listening. Resolves with the port.
   * @throws ServiceError
   */
  async listen(): Promise<number> {
    return listen(this.#server, this.#options.address);
  }

  /**
   * Uses another certificate, or other authorities, for new connections. An open connection keeps those with which it was
   * opened, and ends after `connectionAgeMs`.
   */
  reload(changed: ServerTlsSettings): void {
    this.#tls = { ...this.#tls, ...changed };
    this.#server.setSecureContext(toContextOptions(this.#tls));
  }

  /** Begins to close each connection after its next response, so that clients reconnect to another replica. */
  drain(): void {
    this.#draining = true;
  }

  /** Stops accepting connections, waits for requests in flight until the signal aborts, then closes all connections. */
  async close(signal: AbortSignal): Promise<void> {
    this.drain();
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    await this.idle(signal);
    // Closes the remaining connections. Node does not close a connection on which no request was sent yet, because Node
    // does not count this connection as idle.
    this.#server.closeAllConnections();
    await closed;
  }

  /** Resolves once no request is in flight or the signal aborts. */
  async idle(signal: AbortSignal): Promise<void> {
    if (this.#inFlight === 0 || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.onIdle = () => {
      resolve(undefined);
    };
    await waitUnlessAborted(promise, signal);
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const arrivedAt = this.#options.clock.monotonic();
    const { url = '', method, headers } = request;
    const status = rejectionStatus(url, method, headers['content-type']);
    if (status !== undefined) {
      this.#send(response, { status, body: '' });
      return;
    }
    this.#inFlight += 1;
    response.once('close', () => {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.onIdle();
    });
    const deadline = arrivedAt + this.timeoutMs(url);
    this.#connections.touch(request.socket);
    this.#bodies.read(request, deadline, (read) => {
      this.#queueReview(read, response, { arrivedAt, deadline });
    });
  }

  #queueReview(read: BodyRead, response: ServerResponse, times: ReviewTimes): void {
    if (read.kind === 'aborted') return;
    const { clock, handler, inspectionBudgetMs } = this.#options;
    if (read.kind !== 'body') {
      this.rejectUnread(response, handler.rejectUnread(read.kind, times));
      return;
    }
    const { body } = read;
    const { socket } = response.req;
    this.#connections.begin(socket);
    const reply = (answer: HttpResponse): void => {
      this.#bodies.release(body.length);
      this.#send(response, answer);
      this.#connections.end(socket);
    };
    const arrivedAt = clock.monotonic();
    this.#queue.push({
      arrivedAt,
      bytes: body.length,
      latestStart: Math.max(arrivedAt + MIN_WAIT_MS, times.deadline - inspectionBudgetMs),
      start: () => void handler.handle(body, times).then(reply),
      shed: () => {
        reply(handler.shed(body));
      },
    });
  }

  /**
   * Returns the timeout of a review from its URL, in milliseconds. The last URL is cached, because the API server
   * always sends the same one.
   */
  timeoutMs(url: string): number {
    if (url !== this.#lastUrl) {
      this.#lastUrl = url;
      this.lastTimeoutMs = reviewTimeoutMs(url.slice('/mutate?'.length));
    }
    return this.lastTimeoutMs;
  }

  /**
   * Responds without reading the rest of the body. Closing a connection with unread data resets it, and the client may
   * lose the response. So the response is written at once, but the connection is closed only after LINGER_MS.
   */
  rejectUnread(response: ServerResponse, answer: HttpResponse): void {
    if (response.destroyed) return;
    this.#writeHead(response, answer);
    response.write(answer.body);
    void this.#options.clock.sleep(LINGER_MS).then(() => {
      if (!response.destroyed) response.end();
    });
  }

  #send(response: ServerResponse, answer: HttpResponse): void {
    if (response.destroyed) return;
    const length = this.#writeHead(response, answer);
    // Nearly all responses are ASCII. They are written as latin1, which needs no encoding.
    response.end(answer.body, length === answer.body.length ? 'latin1' : 'utf8');
  }

  /** Writes status and headers. Returns the length of the body in bytes. */
  #writeHead(response: ServerResponse, { status, body }: HttpResponse): number {
    const length = Buffer.byteLength(body);
    const headers: Record<string, string | number> = {
      'content-type': status === 200 ? 'application/json' : 'text/plain',
      'content-length': length,
    };
    // After an error the rest of the body may still arrive. The connection is closed, so that the rest is not parsed as
    // the next request.
    if (status !== 200 || this.#draining || this.#isOld(response.socket)) headers['connection'] = 'close';
    response.writeHead(status, headers);
    return length;
  }

  #isOld(socket: Socket | null): boolean {
    const end = socket === null ? undefined : this.maxAgeReachedAt.get(socket);
    return end !== undefined && this.#options.clock.monotonic() >= end;
  }
}

/**
 * Returns the status for a request with a wrong path, method or content type. Returns undefined for all other requests.
 */
function rejectionStatus(url: string, method: string | undefined, contentType: string | undefined): number | undefined {
  if (url !== '/mutate' && !url.startsWith('/mutate?')) return 404;
  if (method !== 'POST') return 405;
  return /^application\/json(?:\s*;|$)/iu.test(contentType ?? '') ? undefined : 415;
}
