import type { Clock } from '@archpolicy/async';
import { isDigest } from '@archpolicy/core';
import { ANONYMOUS_SCOPE } from '../auth/auth-attempt.ts';
import { failedBecause, fetched, isRejection } from '../http/outcome.ts';
import type { FetchFailure, Fetched } from '../http/outcome.ts';
import type { RegistryMetrics } from '../metrics.ts';
import type { RequestContext } from '../senders/request-context.ts';
import type { HttpRequest, HttpResponse, Sender } from '../senders/sender.ts';
import type { ContentSource } from './content-reader.ts';
import { computeDigest, headerDigest } from './digest.ts';
import { configRequest, evaluateResponse, manifestRequest } from './distribution.ts';
import { verifyManifest } from './verified-manifest.ts';
import type { VerifiedManifest } from './verified-manifest.ts';

/** The HEAD response has no digest, or the method was rejected. A GET may succeed. */
export interface HeadUnusable {
  readonly kind: 'unusable';
}

/**
 * The registry answered the HEAD that it does not return the image to this credential. Some registries and proxies answer
 * so to every HEAD, and return the image to a GET.
 */
export interface HeadRejected {
  readonly kind: 'rejected';
  readonly failure: FetchFailure;
}

export interface ReaderParts {
  readonly sender: Sender;
  readonly metrics: RegistryMetrics;
  readonly clock: Pick<Clock, 'now'>;
}

/** Statuses by which registries and proxies reject the method, not the image. */
const METHOD_REJECTED: ReadonlySet<number> = new Set([400, 405, 406, 415, 501]);

/** Reads one repository with one credential. Verifies the digest of every body (I3). */
export class RegistryReader implements ContentSource {
  readonly #parts: ReaderParts;
  readonly #context: RequestContext;
  #usedCredential = false;

  constructor(parts: ReaderParts, context: RequestContext) {
    this.#parts = parts;
    this.#context = {
      ...context,
      onCredentialUsed: () => {
        this.#usedCredential = true;
      },
    };
  }

  /** The scope of the results: anonymous if no request needed the credential. */
  get scope(): string {
    return this.#usedCredential ? this.#context.attempt.scope : ANONYMOUS_SCOPE;
  }

  /**
   * Sends one HEAD. For a tag, returns the current digest. For a digest, returns the same digest if the registry has
   * its content.
   */
  async head(reference: string): Promise<Fetched<string> | HeadUnusable | HeadRejected> {
    const response = await this.#send(manifestRequest('HEAD', reference, this.#context.attempt.endpoint));
    if (response.kind === 'response' && METHOD_REJECTED.has(response.status)) return { kind: 'unusable' };
    const result = evaluateResponse(response, this.#parts.clock.now());
    if (result.kind === 'failed') {
      // A token service that rejects the credential rejects it for a GET, too. Only a response of the registry may differ.
      return response.kind === 'response' && isRejection(result) ? { kind: 'rejected', failure: result } : result;
    }
    // For a digest reference, the registry's header is ignored.
    const digest = isDigest(reference) ? reference : headerDigest(result.value.headers['docker-content-digest']);
    return digest === undefined ? { kind: 'unusable' } : fetched(digest);
  }

  /** Reads a manifest by tag or digest, with one GET. */
  async get(reference: string): Promise<Fetched<VerifiedManifest>> {
    const response = await this.#send(manifestRequest('GET', reference, this.#context.attempt.endpoint));
    const result = evaluateResponse(response, this.#parts.clock.now());
    return result.kind === 'failed' ? result : this.#verifyManifest(reference, result.value);
  }

  async manifest(digest: string): Promise<Fetched<Uint8Array>> {
    const manifest = await this.get(digest);
    return manifest.kind === 'failed' ? manifest : fetched(manifest.value.body);
  }

  async config(digest: string): Promise<Fetched<Uint8Array>> {
    const response = await this.#send(configRequest(digest, this.#context.attempt.endpoint));
    const result = evaluateResponse(response, this.#parts.clock.now());
    if (result.kind === 'failed') return result;
    const { body } = result.value;
    return computeDigest(body, digest) === digest ? fetched(body) : this.#discard('digest-mismatch');
  }

  #send(request: HttpRequest): Promise<HttpResponse | FetchFailure> {
    return this.#parts.sender.send(request, this.#context);
  }

  #verifyManifest(reference: string, { body, headers }: HttpResponse): Fetched<VerifiedManifest> {
    // For a digest reference, the expected digest is the reference. For a tag, it is the digest in the header, if any.
    const isDigestReference = isDigest(reference);
    const expected = isDigestReference ? reference : headerDigest(headers['docker-content-digest']);
    const verified = verifyManifest(body, expected);
    return verified === undefined
      ? this.#discard(isDigestReference ? 'digest-mismatch' : 'header-digest')
      : fetched(verified);
  }

  #discard(what: 'digest-mismatch' | 'header-digest'): FetchFailure {
    this.#parts.metrics.discarded({ what });
    return failedBecause({ kind: 'digest-mismatch' }, 'Malformed');
  }
}
