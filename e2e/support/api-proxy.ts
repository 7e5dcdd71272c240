import { Agent, createServer, request } from 'node:https';
import type { IncomingMessage, RequestOptions, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { isJsonObject, objectAt, textAt } from '@archpolicy/core';
import type { Json } from '@archpolicy/core';
import { createCertificateAuthority } from '@archpolicy/testkit';

/** An eviction on its way to the API server. */
export interface SeenEviction {
  readonly namespace: string;
  readonly pod: string;
  /** The UID that it is meant for. */
  readonly uid: string;
  /** When it came, `performance.now()`. */
  readonly at: number;
  /** What the API server answered, once it has. */
  status?: number;
}

/** What happens to evictions on their way. Both are waited for; a rejection of the first loses the request for ever. */
export interface EvictionHooks {
  /** Before the API server gets it. */
  readonly beforeForward?: (eviction: SeenEviction) => Promise<void>;
  /** Before the operator gets the answer. */
  readonly beforeResponse?: (eviction: SeenEviction) => Promise<void>;
}

const EVICTION = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/eviction/u;

/**
 * Stands between one operator and the API server, passes everything on, and can hold evictions up in either direction.
 * What it has passed on stays passed on, whether the operator lives or not: so is the network.
 */
export class ApiProxy {
  /** All that came, in that order. */
  readonly evictions: SeenEviction[] = [];
  hooks: EvictionHooks = {};
  /** What its clients have to trust, PEM. */
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

  /** @param server URL of the API server; `authority`: what it is trusted by, PEM */
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
    const [, namespace, pod] = EVICTION.exec(from.url ?? '') ?? [];
    if (namespace === undefined || pod === undefined || from.method !== 'POST') {
      sendResponse(await this.#forward(from, to), to);
      return;
    }
    const body = await buffer(from);
    const eviction: SeenEviction = { namespace, pod, uid: parseUid(body), at: performance.now() };
    this.evictions.push(eviction);
    await this.hooks.beforeForward?.(eviction);
    const answer = await this.#forward(from, undefined, body);
    eviction.status = answer.statusCode ?? 0;
    await this.hooks.beforeResponse?.(eviction);
    sendResponse(answer, to);
  }

  /** @param client whose going ends the request, too: a watch would go on for ever */
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
  // A watch has headers long before its first event.
  to.flushHeaders();
  answer.on('error', () => to.destroy()).pipe(to);
}

function parseUid(body: Buffer): string {
  const eviction = JSON.parse(body.toString()) as Json;
  const options = isJsonObject(eviction) ? objectAt(eviction, 'deleteOptions') : {};
  return textAt(objectAt(options, 'preconditions'), 'uid') ?? '';
}
