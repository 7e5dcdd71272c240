import { withoutUndefined } from '@archpolicy/core';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { encodeBody } from '../http/content-encoding.ts';
import type { BuiltImage, StoredContent } from './content.ts';

/** A received request. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

/** A fault that replaces the regular response. */
export type Fault =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: Uint8Array | string;
    }
  /** Accepts the request and never responds. */
  | { readonly kind: 'hang' }
  /** Closes the connection without a response. */
  | { readonly kind: 'reset' }
  /** Responds normally after `until` has settled. */
  | { readonly kind: 'late'; readonly until: Promise<unknown> };

/** Returns the fault for a request; undefined: respond regularly. */
export type FaultRule = (request: SeenRequest) => Fault | undefined;

/** Checks the access of a request; undefined: allowed. */
export type AccessRule = (request: SeenRequest, repository: string) => Fault | undefined;

/** Returns the `Content-Encoding` of a response; undefined: not encoded, no header. */
export type ContentEncodingRule = (
  request: SeenRequest,
  repository: string,
  kind: 'manifests' | 'blobs',
) => string | undefined;

/**
 * A fake registry in this process: plain HTTP on a free loopback port, the read side of the distribution API. Records each
 * request and injects faults.
 */
export class FakeRegistry {
  readonly requests: SeenRequest[] = [];
  /** Set to inject faults. */
  fault: FaultRule = () => undefined;
  /** Set to require credentials. */
  access: AccessRule = () => undefined;
  /** Set to encode responses. */
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

  /** Stops at once and closes open connections. */
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

  /** Stores an image and sets a tag to it. */
  push(repository: string, tag: string, image: BuiltImage): void {
    for (const manifest of [image.manifest, ...image.children])
      this.#manifests.set(`${repository} ${manifest.digest}`, manifest);
    for (const blob of image.blobs) this.#blobs.set(`${repository} ${blob.digest}`, blob);
    this.#manifests.set(`${repository} ${tag}`, image.manifest);
  }

  /** The requests as `METHOD path`, in order. */
  get lines(): readonly string[] {
    return this.requests.map(({ method, path }) => `${method} ${path}`);
  }

  /** Returns the number of requests with this method and a path that contains `part`. */
  count(method: string, part = ''): number {
    return this.requests.filter((request) => request.method === method && request.path.includes(part)).length;
  }

  forgetRequests(): void {
    this.requests.length = 0;
  }

  /** Returns the number of open connections. */
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
      /^\/v2\/(.+)\/(manifests|blobs)\/([^/?]+)(?:\?.*)?$/.exec(seen.path) ?? [];
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
    // As in real registries, this is the digest of the unencoded content.
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
