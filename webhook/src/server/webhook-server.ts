import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import { waitUnlessAborted } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { listen } from '@archpolicy/service';
import type { Address } from '@archpolicy/service';
import type { Certificate } from '../tls/certificate.ts';
import { TLS_OPTIONS } from '../tls/options.ts';
import { BodyBudget, readBody } from './body.ts';
import type { BodyRead } from './body.ts';
import { CONNECTION_AGE_SPREAD, LIMITS } from './limits.ts';
import type { Limits } from './limits.ts';
import { ReviewQueue } from './review-queue.ts';
import { reviewTimeoutMs } from './timeout.ts';

/** The shortest time in which a review may begin, however little time the request leaves. */
const MIN_WAIT_MS = 50;

/** How long a client that is still sending has to see its answer. */
const LINGER_MS = 250;

/** When a review came and when its answer must be out, monotonic milliseconds. */
export interface ReviewTimes {
  readonly arrivedAt: number;
  readonly deadline: number;
}

export interface HttpResponse {
  readonly status: number;
  readonly body: string;
}

/** Turns bodies into answers. Neither function rejects or throws. */
export interface ReviewHandler {
  handle(body: Buffer, times: ReviewTimes): Promise<HttpResponse>;
  /** For when there is no time to look at it. */
  shed(body: Buffer): HttpResponse;
  /** For a body that is too large to be read. */
  rejectTooLarge(times: ReviewTimes): HttpResponse;
}

/** Without Retry-After: the API server does not ask again, it goes on without us. */
const BUSY: HttpResponse = { status: 429, body: 'too many bodies at a time\n' };

export interface WebhookServerOptions {
  readonly certificate: Certificate;
  readonly address: Address;
  readonly handler: ReviewHandler;
  readonly clock: Clock;
  readonly random: () => number;
  /** How much of a review's time is kept for inspection, milliseconds. */
  readonly inspectionBudgetMs: number;
  /** Tests shorten them. */
  readonly limits?: Partial<Limits>;
}

/** The HTTPS server of `POST /mutate`. */
export class WebhookServer {
  readonly #options: WebhookServerOptions;
  readonly #server: Server;
  readonly #queue: ReviewQueue;
  readonly #budget = new BodyBudget();
  /** When each connection is to end, monotonic milliseconds. */
  readonly maxAgeReachedAt = new WeakMap<Socket, number>();
  #draining = false;
  #inFlight = 0;
  onIdle: () => void = () => undefined;
  #lastUrl = '';
  lastTimeoutMs = 0;

  constructor(options: WebhookServerOptions) {
    this.#options = options;
    this.#queue = new ReviewQueue(options.clock);
    const { cert, key } = options.certificate;
    const limits = { ...LIMITS, ...options.limits };
    this.#server = createServer(
      {
        ...TLS_OPTIONS,
        cert,
        key,
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
    this.#server.maxConnections = limits.connections;
    this.#server.on('secureConnection', (socket) => {
      const age = limits.connectionAgeMs * (1 - CONNECTION_AGE_SPREAD * options.random());
      this.maxAgeReachedAt.set(socket, options.clock.monotonic() + age);
    });
  }

  /** Requests that are being read, wait or are worked on. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Begins to listen; resolves with the port.
   * @throws ServiceError
   */
  async listen(): Promise<number> {
    return listen(this.#server, this.#options.address);
  }

  /** New connections get this certificate from now on; those that are open keep theirs until they end. */
  reload({ cert, key }: Certificate): void {
    this.#server.setSecureContext({ ...TLS_OPTIONS, cert, key });
  }

  /** From now on each answer ends its connection: clients find another replica with their next request. */
  drain(): void {
    this.#draining = true;
  }

  /** Takes no more connections, waits for what is in flight until the signal aborts, ends what is left. */
  async close(signal: AbortSignal): Promise<void> {
    this.drain();
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    await this.idle(signal);
    // To Node a connection that has not sent its first request is not idle: ended here with the rest.
    this.#server.closeAllConnections();
    await closed;
  }

  /** Resolves once nothing is in flight, or the signal aborts. */
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
    readBody(request, this.#budget, (read) => {
      this.#queueReview(read, response, { arrivedAt, deadline });
    });
  }

  #queueReview(read: BodyRead, response: ServerResponse, times: ReviewTimes): void {
    if (read.kind === 'aborted') return;
    const { clock, handler, inspectionBudgetMs } = this.#options;
    if (read.kind !== 'body') {
      this.rejectUnread(response, read.kind === 'too-large' ? handler.rejectTooLarge(times) : BUSY);
      return;
    }
    const { body } = read;
    const reply = (answer: HttpResponse): void => {
      this.#budget.release(body.length);
      this.#send(response, answer);
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

  /** The API server's URL is the same for each review: parsed once. */
  timeoutMs(url: string): number {
    if (url !== this.#lastUrl) {
      this.#lastUrl = url;
      this.lastTimeoutMs = reviewTimeoutMs(url.slice('/mutate?'.length));
    }
    return this.lastTimeoutMs;
  }

  /**
   * The rest of the body is not read. A connection that is closed with something unread is reset, and the answer may be
   * lost with it: so it is out whole at once, and the connection ends a little later.
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
    // Nearly every answer is ASCII, which needs no encoding.
    response.end(answer.body, length === answer.body.length ? 'latin1' : 'utf8');
  }

  /** Returns the length of the body in bytes. */
  #writeHead(response: ServerResponse, { status, body }: HttpResponse): number {
    const length = Buffer.byteLength(body);
    const headers: Record<string, string | number> = {
      'content-type': status === 200 ? 'application/json' : 'text/plain',
      'content-length': length,
    };
    // After an error the rest of the body may still be on its way: it must not be read as the next request.
    if (status !== 200 || this.#draining || this.#isOld(response.socket)) headers['connection'] = 'close';
    response.writeHead(status, headers);
    return length;
  }

  #isOld(socket: Socket | null): boolean {
    const end = socket === null ? undefined : this.maxAgeReachedAt.get(socket);
    return end !== undefined && this.#options.clock.monotonic() >= end;
  }
}

/** The status for requests that are no review at all. */
function rejectionStatus(url: string, method: string | undefined, contentType: string | undefined): number | undefined {
  if (url !== '/mutate' && !url.startsWith('/mutate?')) return 404;
  if (method !== 'POST') return 405;
  return /^application\/json(?:\s*;|$)/iu.test(contentType ?? '') ? undefined : 415;
}
