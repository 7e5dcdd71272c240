import type { IncomingMessage, ServerResponse } from 'node:http';
import { waitUnlessAborted } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import type { CheckResult } from '@archpolicy/service';
import { BodyReader } from './body.ts';
import type { BodyRead, UnreadReason } from './body.ts';
import { Connections } from './connections.ts';
import type { ConnectionsOptions, ServerTlsSettings } from './connections.ts';
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

export interface WebhookServerOptions extends ConnectionsOptions {
  readonly handler: ReviewHandler;
  readonly clock: Clock;
  /** The part of a review's time that is reserved for inspection, milliseconds. */
  readonly inspectionBudgetMs: number;
}

/** The HTTPS server of `POST /mutate`. */
export class WebhookServer {
  readonly #options: WebhookServerOptions;
  readonly #connections: Connections;
  readonly #queue: ReviewQueue;
  readonly #bodies: BodyReader;
  #draining = false;
  #inFlight = 0;
  #onIdle: () => void = () => undefined;
  #lastUrl = '';
  #lastTimeoutMs = 0;

  constructor(options: WebhookServerOptions) {
    this.#options = options;
    this.#queue = new ReviewQueue(options.clock);
    this.#bodies = new BodyReader(options.clock);
    this.#connections = new Connections(options, (request, response) => {
      this.#receive(request, response);
    });
  }

  /** The number of requests being read, queued or processed. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Whether a new connection would be accepted. */
  check(): CheckResult {
    return this.#connections.check();
  }

  /**
   * Starts listening. Resolves with the port.
   * @throws ServiceError
   */
  async listen(): Promise<number> {
    return this.#connections.listen();
  }

  /** Uses another certificate, or other authorities, for new connections. */
  reload(changed: ServerTlsSettings): void {
    this.#connections.reload(changed);
  }

  /** Begins to close each connection after its next response, so that clients reconnect to another replica. */
  drain(): void {
    this.#draining = true;
  }

  /** Stops accepting connections, waits for requests in flight until the signal aborts, then closes all connections. */
  async close(signal: AbortSignal): Promise<void> {
    this.drain();
    await this.#connections.close(() => this.#idle(signal));
  }

  /** Resolves once no request is in flight or the signal aborts. */
  async #idle(signal: AbortSignal): Promise<void> {
    if (this.#inFlight === 0 || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#onIdle = () => {
      resolve(undefined);
    };
    await waitUnlessAborted(promise, signal);
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const arrivedAt = this.#options.clock.monotonic();
    const { url = '' } = request;
    const status = rejectionStatus(request, url);
    if (status !== undefined) {
      this.#send(response, { status, body: '' });
      return;
    }
    this.#inFlight += 1;
    response.once('close', () => {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#onIdle();
    });
    const deadline = arrivedAt + this.#timeoutMs(url);
    this.#connections.table.touch(request.socket);
    this.#bodies.read(request, deadline, (read) => {
      this.#queueReview(read, response, { arrivedAt, deadline });
    });
  }

  #queueReview(read: BodyRead, response: ServerResponse, times: ReviewTimes): void {
    if (read.kind === 'aborted') return;
    const { clock, handler, inspectionBudgetMs } = this.#options;
    if (read.kind !== 'body') {
      this.#rejectUnread(response, handler.rejectUnread(read.kind, times));
      return;
    }
    const { body } = read;
    const { socket } = response.req;
    this.#connections.table.begin(socket);
    const reply = (answer: HttpResponse): void => {
      this.#bodies.release(body.length);
      this.#send(response, answer);
      this.#connections.table.end(socket);
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
  #timeoutMs(url: string): number {
    if (url !== this.#lastUrl) {
      this.#lastUrl = url;
      this.#lastTimeoutMs = reviewTimeoutMs(url.slice('/mutate?'.length));
    }
    return this.#lastTimeoutMs;
  }

  /**
   * Responds without reading the rest of the body. Closing a connection with unread data resets it, and the client may
   * lose the response. So the response is written at once, but the connection is closed only after LINGER_MS.
   */
  #rejectUnread(response: ServerResponse, answer: HttpResponse): void {
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
    const isLast = status !== 200 || this.#draining || this.#connections.isOld(response.req.socket);
    if (isLast) headers['connection'] = 'close';
    response.writeHead(status, headers);
    return length;
  }
}

/**
 * Returns the status for a request with a wrong path, method, content type or content coding. Returns undefined for all
 * other requests. A compressed body would have to be decoded within the limits of bodies, and API servers send none.
 */
function rejectionStatus({ method, headers }: IncomingMessage, url: string): number | undefined {
  if (url !== '/mutate' && !url.startsWith('/mutate?')) return 404;
  if (method !== 'POST') return 405;
  if ((headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity') return 415;
  return /^application\/json(?:\s*;|$)/iu.test(headers['content-type'] ?? '') ? undefined : 415;
}
