import { withoutUndefined } from '@archpolicy/core';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { encodeBody } from '../http/content-encoding.ts';
import type { BuiltImage, StoredContent } from './content.ts';

/** One request as the registry saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

/** What a registry does instead of answering as it should. */
export type Fault =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: Uint8Array | string;
    }
  /** Accepts and never answers. */
  | { readonly kind: 'hang' }
  /** Closes the connection without an answer. */
  | { readonly kind: 'reset' }
  /** Answers as it should, once this is settled. */
  | { readonly kind: 'late'; readonly until: Promise<unknown> };

/** Decides before anything else whether a request goes wrong; undefined lets it through. */
export type FaultRule = (request: SeenRequest) => Fault | undefined;

/** Decides whether a request may read; undefined lets it through. */
export type AccessRule = (request: SeenRequest, repository: string) => Fault | undefined;

/** The `Content-Encoding` of stored content, by which its body is encoded; undefined: as it is, without the header. */
export type ContentEncodingRule = (
  request: SeenRequest,
  repository: string,
  kind: 'manifests' | 'blobs',
) => string | undefined;

/**
 * A registry in this process: plain HTTP on a free port of loopback, the read side of the distribution API, every request
 * noted down, every misbehaviour at hand.
 */
export class FakeRegistry {
  readonly requests: SeenRequest[] = [];
  /** Set to make requests go wrong. */
  fault: FaultRule = () => undefined;
  /** Set to demand credentials. */
  access: AccessRule = () => undefined;
  /** Set to encode what is stored. */
  contentEncoding: ContentEncodingRule = () => undefined;
  readonly #manifests = new Map<string, StoredContent>();
  readonly #blobs = new Map<string, StoredContent>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response);
    });
    this.#server.keepAliveTimeout = 60_000;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  /** Ends at once, open connections included. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `127.0.0.1:port`. */
  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Stores an image and points a tag to it. */
  push(repository: string, tag: string, image: BuiltImage): void {
    for (const manifest of [image.manifest, ...image.children])
      this.#manifests.set(`${repository} ${manifest.digest}`, manifest);
    for (const blob of image.blobs) this.#blobs.set(`${repository} ${blob.digest}`, blob);
    this.#manifests.set(`${repository} ${tag}`, image.manifest);
  }

  /** The requests as `METHOD path`, in their order. */
  get lines(): readonly string[] {
    return this.requests.map(({ method, path }) => `${method} ${path}`);
  }

  /** How many requests had this method and a path with this in it. */
  count(method: string, part = ''): number {
    return this.requests.filter((request) => request.method === method && request.path.includes(part)).length;
  }

  forgetRequests(): void {
    this.requests.length = 0;
  }

  /** Open connections right now. */
  connections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.getConnections((error, count) => {
        if (error === null) resolve(count);
        else reject(error);
      });
    });
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const seen: SeenRequest = { method: request.method ?? '', path: request.url ?? '', headers: request.headers };
    this.requests.push(seen);
    const [, repository = '', kindInPath = '', reference = ''] =
      /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(seen.path) ?? [];
    const kind = kindInPath === 'manifests' ? 'manifests' : 'blobs';
    const fault = this.fault(seen) ?? this.access(seen, repository);
    const respond = (): void => {
      const content = (kind === 'manifests' ? this.#manifests : this.#blobs).get(`${repository} ${reference}`);
      if (content === undefined) applyFault({ kind: 'answer', status: 404 }, response);
      else send(content, seen.method, response, this.contentEncoding(seen, repository, kind));
    };
    if (fault === undefined) respond();
    else if (fault.kind === 'late') void fault.until.then(respond);
    else applyFault(fault, response);
  }
}

function send(content: StoredContent, method: string, response: ServerResponse, contentEncoding?: string): void {
  const body = contentEncoding === undefined ? content.body : encodeBody(content.body, contentEncoding);
  response.writeHead(200, {
    'content-type': content.mediaType,
    'content-length': body.length,
    // The digest is of the content, whatever its encoding on the way.
    'docker-content-digest': content.digest,
    ...withoutUndefined({ 'content-encoding': contentEncoding }),
  });
  response.end(method === 'HEAD' ? undefined : body);
}

function applyFault(fault: Exclude<Fault, { readonly kind: 'late' }>, response: ServerResponse): void {
  if (fault.kind === 'hang') return;
  if (fault.kind === 'reset') response.destroy();
  else response.writeHead(fault.status, fault.headers).end(fault.body);
}
