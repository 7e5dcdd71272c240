import { Agent, createServer, request } from 'node:https';
import type { IncomingMessage, RequestOptions, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { isJsonObject, objectAt, textAt } from '@archpolicy/core';
import type { Json } from '@archpolicy/core';
import { createCertificateAuthority } from '@archpolicy/testkit';

/** An eviction request that passed the proxy. */
export interface SeenEviction {
  readonly namespace: string;
  readonly pod: string;
  /** The UID in the preconditions of the request. */
  readonly uid: string;
  /** Time of arrival, `performance.now()`. */
  readonly at: number;
  /** Status of the response; undefined until it arrives. */
  status?: number;
}

/** A request that reached the proxy. */
export interface SeenApiRequest {
  readonly method: string;
  /** Path and query, such as `/api/v1/pods?watch=true&resourceVersion=4711`. */
  readonly url: string;
  /** Time of arrival, `performance.now()`. */
  readonly at: number;
}

/** An answer of the proxy in place of the API server's, for what a real API server does not do at will. */
export interface ScriptedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
  /** Whether the connection is closed after the body, before the end of the response. */
  readonly isCut?: boolean;
}

/** Hooks around evictions. The proxy awaits them. If `beforeForward` rejects, the proxy drops the request. */
export interface EvictionHooks {
  /** Called before the request is forwarded to the API server. */
  readonly beforeForward?: (eviction: SeenEviction) => Promise<void>;
  /** Called before the response is returned to the operator. */
  readonly beforeResponse?: (eviction: SeenEviction) => Promise<void>;
  /** Returns the answer to a request, which is then not forwarded. If it returns undefined, the API server answers. */
  readonly answer?: (request: SeenApiRequest) => ScriptedAnswer | undefined;
}

const EVICTION = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/eviction/u;

/**
 * A proxy between one operator and the API server. It forwards all requests, and can delay the requests and the
 * responses of evictions. Like a network, it delivers a forwarded request even if the operator has died.
 */
export class ApiProxy {
  /** All evictions, in order of arrival. */
  readonly evictions: SeenEviction[] = [];
  /** All requests, in order of arrival. */
  readonly requests: SeenApiRequest[] = [];
  hooks: EvictionHooks = {};
  /** The CA certificate that clients of the proxy need, as PEM. */
  readonly authority: string;
  readonly #target: URL;
  readonly #agent: Agent;
  readonly #server: Server;

  private constructor(target: URL, targetAuthority: Buffer, authority: string, key: string, certificate: string) {
    this.#target = target;
    this.authority = authority;
    this.#agent = new Agent({ keepAlive: true, ca: targetAuthority });
    this.#server = createServer({ key, cert: certificate }, (from, to) => {
      this.#serve(from, to).catch(() => to.destroy());
    });
  }

  /** @param server URL of the API server @param authority its CA certificate, PEM */
  static async start(server: string, authority: Buffer): Promise<ApiProxy> {
    const own = await createCertificateAuthority('API proxy');
    const { key, certificate } = await own.issue();
    const proxy = new ApiProxy(new URL(server), authority, own.certificate, key, certificate);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Closes all connections of clients, so that their watches end. */
  dropConnections(): void {
    this.#server.closeAllConnections();
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  async #serve(from: IncomingMessage, to: ServerResponse): Promise<void> {
    const seen: SeenApiRequest = { method: from.method ?? '', url: from.url ?? '', at: performance.now() };
    this.requests.push(seen);
    const [, namespace, pod] = EVICTION.exec(seen.url) ?? [];
    const scripted = this.hooks.answer?.(seen);
    if (namespace !== undefined && pod !== undefined && seen.method === 'POST') {
      const body = await buffer(from);
      const eviction: SeenEviction = { namespace, pod, uid: parseUid(body), at: seen.at };
      this.evictions.push(eviction);
      if (scripted !== undefined) eviction.status = scripted.status;
      else await this.#evict(eviction, from, to, body);
    } else if (scripted === undefined) sendResponse(await this.#forward(from, to), to);
    if (scripted !== undefined) sendScripted(scripted, to);
  }

  async #evict(eviction: SeenEviction, from: IncomingMessage, to: ServerResponse, body: Buffer): Promise<void> {
    await this.hooks.beforeForward?.(eviction);
    const answer = await this.#forward(from, undefined, body);
    eviction.status = answer.statusCode ?? 0;
    await this.hooks.beforeResponse?.(eviction);
    sendResponse(answer, to);
  }

  /**
   * @param client the response to the client. When the client disconnects, the forwarded request ends, because a
   *   forwarded watch would not end by itself
   */
  #forward(from: IncomingMessage, client: ServerResponse | undefined, body?: Buffer): Promise<IncomingMessage> {
    const options: RequestOptions = {
      host: this.#target.hostname,
      port: this.#target.port,
      path: from.url,
      method: from.method,
      headers: { ...from.headers, host: this.#target.host },
      agent: this.#agent,
    };
    return new Promise((resolve, reject) => {
      const onward = request(options, resolve).on('error', reject);
      client?.on('close', () => onward.destroy());
      if (body === undefined) from.pipe(onward);
      else onward.end(body);
    });
  }
}

function sendResponse(answer: IncomingMessage, to: ServerResponse): void {
  to.writeHead(answer.statusCode ?? 502, answer.headers);
  // Send headers now, because a watch may be idle for a long time before its first event.
  to.flushHeaders();
  answer.on('error', () => to.destroy()).pipe(to);
}

function sendScripted({ status, headers, body, isCut }: ScriptedAnswer, to: ServerResponse): void {
  to.writeHead(status, { 'content-type': 'application/json', ...headers });
  if (isCut === true) to.write(body, () => to.destroy());
  else to.end(body);
}

function parseUid(body: Buffer): string {
  const eviction = JSON.parse(body.toString()) as Json;
  const options = isJsonObject(eviction) ? objectAt(eviction, 'deleteOptions') : {};
  return textAt(objectAt(options, 'preconditions'), 'uid') ?? '';
}
