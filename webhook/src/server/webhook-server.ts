import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import { listen } from '@archpolicy/service';
import type { Address, Clock } from '@archpolicy/service';
import type { Certificate } from '../tls/certificate.ts';
import { BodyBudget, readBody } from './body.ts';
import type { BodyRead } from './body.ts';
import { ReviewQueue } from './review-queue.ts';
import { allowanceMs } from './timeout.ts';

/** Longer than the 90 s that the API server keeps idle connections: so it never writes into one that just closed. */
const KEEP_ALIVE_MS = 95_000;
/** A whole TLS handshake, and the headers of a request. */
const HANDSHAKE_MS = 5_000;
const HEADERS_MS = 5_000;
/** Node's own default leaves slow bodies over two minutes. */
const REQUEST_MS = 15_000;
const CHECKING_MS = 1_000;
/** A few API servers, each with one connection for each pod that is being created; 50 KB each. */
const MAX_CONNECTIONS = 2_000;
/** A connection ends after this, so that new replicas get their share of the API server's long-lived ones. */
const CONNECTION_AGE_MS = 300_000;
/** Connections opened together do not end together: each gets up to a tenth less. */
const CONNECTION_AGE_SPREAD = 0.1;
/** The shortest time in which a review may begin, however little time the request leaves. */
const MIN_WAIT_MS = 50;

/** Passed at each reload: what is left out there falls back to Node's default, silently. */
const TLS_OPTIONS = { minVersion: 'TLSv1.3' } as const;

/** When a review came and when its answer must be out, monotonic milliseconds. */
export interface ReviewTimes {
  readonly arrivedAt: number;
  readonly deadline: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** Turns bodies into answers. Neither function rejects or throws. */
export interface ReviewHandler {
  handle(body: Buffer, times: ReviewTimes): Promise<HttpAnswer>;
  /** For when there is no time to look at it. */
  shed(body: Buffer): HttpAnswer;
}

export interface WebhookServerOptions {
  readonly certificate: Certificate;
  readonly address: Address;
  readonly handler: ReviewHandler;
  readonly clock: Clock;
  readonly random: () => number;
  /** How much of a review's time is kept for inspection, milliseconds. */
  readonly inspectionBudgetMs: number;
}

/** The HTTPS server of `POST /mutate`. */
export class WebhookServer {
  readonly #options: WebhookServerOptions;
  readonly #server: Server;
  readonly #queue: ReviewQueue;
  readonly #budget = new BodyBudget();
  /** When each connection is to end, monotonic milliseconds. */
  readonly #endOf = new WeakMap<Socket, number>();
  #draining = false;
  #inFlight = 0;
  #lastUrl = '';
  #lastAllowanceMs = 0;

  constructor(options: WebhookServerOptions) {
    this.#options = options;
    this.#queue = new ReviewQueue(options.clock);
    const { cert, key } = options.certificate;
    this.#server = createServer(
      {
        ...TLS_OPTIONS,
        cert,
        key,
        handshakeTimeout: HANDSHAKE_MS,
        headersTimeout: HEADERS_MS,
        requestTimeout: REQUEST_MS,
        connectionsCheckingInterval: CHECKING_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
      },
      (request, response) => {
        this.#receive(request, response);
      },
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.on('secureConnection', (socket) => {
      const age = CONNECTION_AGE_MS * (1 - CONNECTION_AGE_SPREAD * options.random());
      this.#endOf.set(socket, options.clock.monotonic() + age);
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
    // Also ends the idle ones; those with a request in flight end with its answer.
    this.#server.closeIdleConnections();
    const giveUp = () => {
      this.#server.closeAllConnections();
    };
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
    await closed;
    signal.removeEventListener('abort', giveUp);
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const arrivedAt = this.#options.clock.monotonic();
    const { url = '', method, headers } = request;
    const status = refusal(url, method, headers['content-type']);
    if (status !== undefined) {
      this.#send(response, { status, body: '' });
      return;
    }
    this.#inFlight += 1;
    response.once('close', () => {
      this.#inFlight -= 1;
    });
    const deadline = arrivedAt + this.#allowance(url);
    readBody(request, this.#budget, (read) => {
      this.#queueReview(read, response, { arrivedAt, deadline });
    });
  }

  #queueReview(read: BodyRead, response: ServerResponse, times: ReviewTimes): void {
    if (read.kind === 'aborted') return;
    if (read.kind !== 'body') {
      this.#send(response, { status: read.kind === 'too-large' ? 413 : 429, body: '' });
      return;
    }
    const { clock, handler, inspectionBudgetMs } = this.#options;
    const { body } = read;
    const reply = (answer: HttpAnswer): void => {
      this.#budget.give(body.length);
      this.#send(response, answer);
    };
    const arrivedAt = clock.monotonic();
    this.#queue.push({
      arrivedAt,
      latestStart: Math.max(arrivedAt + MIN_WAIT_MS, times.deadline - inspectionBudgetMs),
      start: () => void handler.handle(body, times).then(reply),
      shed: () => {
        reply(handler.shed(body));
      },
    });
  }

  /** The API server's URL is the same for each review: parsed once. */
  #allowance(url: string): number {
    if (url !== this.#lastUrl) {
      this.#lastUrl = url;
      this.#lastAllowanceMs = allowanceMs(url.slice('/mutate?'.length));
    }
    return this.#lastAllowanceMs;
  }

  #send(response: ServerResponse, { status, body }: HttpAnswer): void {
    if (response.destroyed) return;
    const headers: Record<string, string | number> = {
      'content-type': status === 200 ? 'application/json' : 'text/plain',
      'content-length': Buffer.byteLength(body),
    };
    // After an error the rest of the body may still be on its way: it must not be read as the next request.
    if (status !== 200 || this.#draining || this.#isOld(response.socket)) headers['connection'] = 'close';
    response.writeHead(status, headers);
    response.end(body);
  }

  #isOld(socket: Socket | null): boolean {
    const end = socket === null ? undefined : this.#endOf.get(socket);
    return end !== undefined && this.#options.clock.monotonic() >= end;
  }
}

/** The status for requests that are no review at all. */
function refusal(url: string, method: string | undefined, contentType: string | undefined): number | undefined {
  if (url !== '/mutate' && !url.startsWith('/mutate?')) return 404;
  if (method !== 'POST') return 405;
  return /^application\/json(?:\s*;|$)/iu.test(contentType ?? '') ? undefined : 415;
}
