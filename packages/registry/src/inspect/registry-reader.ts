import { isDigest } from '@archpolicy/core';
import { ANONYMOUS_SCOPE } from '../auth/access.ts';
import type { Access } from '../auth/access.ts';
import type { Authorizer } from '../senders/authorizer.ts';
import type { Registries } from '../config/registries.ts';
import { failed, fetched } from '../http/outcome.ts';
import type { FetchFailure, Fetched } from '../http/outcome.ts';
import type { ReadRequest, RegistryClient } from '../senders/registry-client.ts';
import type { HttpResponse } from '../senders/transport.ts';
import type { RequestPermit } from '../limits/request-permit.ts';
import type { RegistryMetrics } from '../metrics.ts';
import type { ContentSource } from './content-reader.ts';
import { digestOf, headerDigest } from './digest.ts';

/** A manifest's body with the digest that it has been checked against. */
export interface VerifiedManifest {
  readonly digest: string;
  readonly body: Uint8Array;
}

/** A HEAD that told nothing usable: no digest, refused, or not supported. A GET may. */
export interface HeadUnusable {
  readonly kind: 'unusable';
}

export interface ReaderParts {
  readonly client: RegistryClient;
  readonly authorizer: Authorizer;
  readonly metrics: RegistryMetrics;
}

/** By which access, and for how long. */
export interface ReadWay {
  readonly access: Access;
  readonly registries: Registries;
  readonly permit?: RequestPermit;
  readonly signal: AbortSignal;
}

/** Statuses of registries and proxies that refuse the method, not the image. */
const METHOD_REFUSED: ReadonlySet<number> = new Set([400, 405, 406, 415, 501]);

/** Reads through one access and believes nothing: every body is hashed and compared with its digest (I3). */
export class RegistryReader implements ContentSource {
  readonly #client: RegistryClient;
  readonly #metrics: RegistryMetrics;
  readonly #authorizer: Authorizer;
  readonly #way: ReadWay;
  #usedCredential = false;

  constructor({ client, authorizer, metrics }: ReaderParts, way: ReadWay) {
    this.#client = client;
    this.#authorizer = authorizer;
    this.#metrics = metrics;
    this.#way = way;
  }

  /** Whose knowledge this is: what needed no credential is everyone's. */
  get scope(): string {
    return this.#usedCredential ? this.#way.access.scope : ANONYMOUS_SCOPE;
  }

  /** The digest that a tag has now, or that a digest is there; one HEAD. */
  async head(reference: string): Promise<Fetched<string> | HeadUnusable> {
    const response = await this.#send((request) => this.#client.manifest('HEAD', reference, request));
    if (response.kind === 'response' && METHOD_REFUSED.has(response.status)) return { kind: 'unusable' };
    const judged = this.#client.judge(response);
    if (judged.kind === 'failed') return judged;
    // What a digest names is that digest, whatever a registry's header says.
    const digest = isDigest(reference) ? reference : headerDigest(judged.value.headers['docker-content-digest']);
    return digest === undefined ? { kind: 'unusable' } : fetched(digest);
  }

  /** A manifest by tag or digest; one GET. */
  async get(reference: string): Promise<Fetched<VerifiedManifest>> {
    const judged = this.#client.judge(await this.#send((request) => this.#client.manifest('GET', reference, request)));
    return judged.kind === 'failed' ? judged : this.#verifyManifest(reference, judged.value);
  }

  async manifest(digest: string): Promise<Fetched<Uint8Array>> {
    const manifest = await this.get(digest);
    return manifest.kind === 'failed' ? manifest : fetched(manifest.value.body);
  }

  async config(digest: string): Promise<Fetched<Uint8Array>> {
    const judged = this.#client.judge(await this.#send((request) => this.#client.config(digest, request)));
    if (judged.kind === 'failed') return judged;
    const { body } = judged.value;
    return digestOf(body, digest) === digest ? fetched(body) : this.#discard('digest-mismatch');
  }

  async #send(
    read: (request: ReadRequest) => Promise<HttpResponse | FetchFailure>,
  ): Promise<HttpResponse | FetchFailure> {
    const { access, registries, permit, signal } = this.#way;
    const waits = permit === undefined ? {} : { permit };
    const request = { endpoint: access.endpoint, registries, signal, ...waits };
    const { response, usedCredential } = await this.#authorizer.call({
      access,
      registries,
      signal,
      ...waits,
      send: (authorization) => read(authorization === undefined ? request : { ...request, authorization }),
    });
    if (usedCredential) this.#usedCredential = true;
    return response;
  }

  #verifyManifest(reference: string, { body, headers }: HttpResponse): Fetched<VerifiedManifest> {
    // By tag the header names the digest, when there is one; by digest the reference does.
    const isDigestReference = isDigest(reference);
    const expected = isDigestReference ? reference : headerDigest(headers['docker-content-digest']);
    const digest = digestOf(body, expected);
    if (expected === undefined || digest === expected) return fetched({ digest, body });
    return this.#discard(isDigestReference ? 'digest-mismatch' : 'header-digest');
  }

  #discard(what: 'digest-mismatch' | 'header-digest'): FetchFailure {
    this.#metrics.discarded({ what });
    return failed('Malformed');
  }
}
