import type { IncomingHttpHeaders } from 'node:http';
import type { ConnectionSettings } from '../config/host-settings.ts';
import type { FetchFailure } from '../http/outcome.ts';
import type { RequestPurpose } from '../metrics.ts';
import type { RequestContext } from './request-context.ts';

/** One HTTP request. */
export interface HttpRequest {
  /** The purpose; the label of its metric. */
  readonly purpose: RequestPurpose;
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: URL;
  /** The host as written in references and the registries file: `docker.io`, where the URL has `registry-1.docker.io`. */
  readonly host: string;
  /** An `authorization` header is only for the origin of the URL. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Maximum length of the body, both before and after decoding. A longer body is `TooLarge`. */
  readonly maxBytes: number;
  /** How to connect to the host. By default, the built-in ranges of the address guard are refused. */
  readonly connection?: ConnectionSettings;
}

export interface HttpResponse {
  readonly kind: 'response';
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /**
   * The number of redirects followed. If it is above 0, the response may come from another host than the request names.
   */
  readonly redirects: number;
  /** The host of the last redirect's target. Absent without redirects. */
  readonly redirectedTo?: string;
  /** The decoded body. Empty unless the status is 200. */
  readonly body: Uint8Array;
}

/**
 * Sends a request and returns the response. Expected failures of hosts and networks are returned, never thrown.
 * Each concern of a request is a sender that decorates the next one; `build-sender.ts` composes them.
 */
export interface Sender {
  send(request: HttpRequest, context: RequestContext): Promise<HttpResponse | FetchFailure>;
}
