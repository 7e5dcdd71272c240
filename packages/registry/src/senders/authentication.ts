import type { Clock } from '@archpolicy/async';
import { LRUCache } from 'lru-cache';
import { parseChallenge } from '../auth/challenge.ts';
import type { Challenge } from '../auth/challenge.ts';
import { ChallengeDiscovery } from '../auth/challenge-discovery.ts';
import type { Credential } from '../auth/credential.ts';
import { parseRealm } from '../auth/realm.ts';
import { toBasicHeader } from '../http/basic-header.ts';
import { failed, failedBecause, fetched } from '../http/outcome.ts';
import type { FetchFailure, Fetched } from '../http/outcome.ts';
import type { RequestContext } from './request-context.ts';
import type { HttpRequest, HttpResponse, Sender } from './sender.ts';
import type { TokenRequest, TokenService } from './token-service.ts';

/** The answer to a challenge. */
interface Authorization {
  /** The `authorization` header. Absent: the request is sent without one. */
  readonly header?: string;
  /** The request for the token, if the token came from the cache. A cached token may have been revoked since. */
  readonly cachedToken?: TokenRequest;
}

/** Maximum number of registries whose challenge is cached. An evicted challenge costs one rejected request. */
const MAX_CHALLENGES = 1_000;
const NO_AUTHORIZATION: Fetched<Authorization> = fetched({});

/**
 * Answers the challenges of registries (I6). The first request to a registry has no credential; its 401 response states
 * the scheme and the token service, which are cached for all later requests.
 */
export class AuthenticationSender implements Sender {
  readonly #next: Sender;
  readonly #tokens: TokenService;
  readonly #discovery: ChallengeDiscovery;
  readonly #challenges = new LRUCache<string, Challenge>({ max: MAX_CHALLENGES });

  constructor(next: Sender, tokens: TokenService, clock: Pick<Clock, 'sleep'>) {
    this.#next = next;
    this.#tokens = tokens;
    this.#discovery = new ChallengeDiscovery(clock);
  }

  async send(request: HttpRequest, context: RequestContext): Promise<HttpResponse | FetchFailure> {
    const { origin } = context.attempt.endpoint.base;
    // Do not discover the challenge with a background request, because it may wait long for its permit, and other
    // requests would have to wait for it.
    const end = context.permit === undefined ? await this.#discovery.enter(origin, context.signal) : undefined;
    const challengeBefore = this.#challenges.get(origin);
    let response: HttpResponse | FetchFailure = failed('Unavailable');
    let challenge: Challenge | undefined;
    let authorization = NO_AUTHORIZATION;
    try {
      if (challengeBefore !== undefined) authorization = await this.#authorize(challengeBefore, context);
      response = await this.#sendWith(authorization, request, context);
      challenge = this.#observe(response, authorization, context);
    } finally {
      // The challenge is stored now, so the requests that wait for this one can continue.
      end?.(response.kind === 'response');
    }
    if (challenge === undefined) return response;
    // Retry only if the request used an outdated challenge or a cached token. Otherwise the 401 is final.
    if (isSameChallenge(challengeBefore, challenge) && !usedCachedToken(authorization)) return response;
    const second = await this.#authorize(challenge, context);
    response = await this.#sendWith(second, request, context);
    this.#invalidateRejectedToken(response, second, context);
    return response;
  }

  #sendWith(
    authorization: Fetched<Authorization>,
    request: HttpRequest,
    context: RequestContext,
  ): Promise<HttpResponse | FetchFailure> {
    if (authorization.kind === 'failed') return Promise.resolve(authorization);
    const { header } = authorization.value;
    if (header === undefined) return this.#next.send(request, context);
    return this.#next.send({ ...request, headers: { ...request.headers, authorization: header } }, context);
  }

  /** Stores the challenge of a response, and returns it. */
  #observe(
    response: HttpResponse | FetchFailure,
    authorization: Fetched<Authorization>,
    context: RequestContext,
  ): Challenge | undefined {
    this.#invalidateRejectedToken(response, authorization, context);
    if (!isChallenged(response)) return undefined;
    const challenge = parseChallenge(response.headers['www-authenticate']);
    if (challenge !== undefined) this.#challenges.set(context.attempt.endpoint.base.origin, challenge);
    return challenge;
  }

  #invalidateRejectedToken(
    response: HttpResponse | FetchFailure,
    authorization: Fetched<Authorization>,
    context: RequestContext,
  ): void {
    if (authorization.kind === 'failed' || !isChallenged(response)) return;
    const { cachedToken } = authorization.value;
    if (cachedToken !== undefined) this.#tokens.invalidate(cachedToken, context);
  }

  async #authorize(challenge: Challenge, context: RequestContext): Promise<Fetched<Authorization>> {
    const { credential } = context.attempt;
    if (credential !== undefined) context.onCredentialUsed?.();
    if (challenge.kind === 'basic') return authorizeBasic(credential);
    if (credential?.kind === 'bearer') return fetched({ header: `Bearer ${credential.token}` });
    const request = toTokenRequest(challenge, context);
    if (request.kind === 'failed') return request;
    const token = await this.#tokens.token(request.value, context);
    if (token.kind === 'failed') return token;
    const header = `Bearer ${token.value.value}`;
    return fetched(token.value.fresh ? { header } : { header, cachedToken: request.value });
  }
}

/**
 * Answers a Basic challenge. Without a credential, there is no header, because a registry with Basic authentication may
 * return some repositories anonymously.
 */
function authorizeBasic(credential: Credential | undefined): Fetched<Authorization> {
  if (credential === undefined) return NO_AUTHORIZATION;
  return credential.kind === 'basic'
    ? fetched({ header: toBasicHeader(credential) })
    : failedBecause({ kind: 'credential-kind' }, 'Unauthorized');
}

function toTokenRequest(
  { realm, service }: Extract<Challenge, { readonly kind: 'bearer' }>,
  { attempt: { endpoint }, registries }: RequestContext,
): Fetched<TokenRequest> {
  const url = parseRealm(realm, endpoint.base, registries);
  if (url.kind === 'failed') return failedBecause({ kind: url.failure }, 'Blocked');
  // Request only the pull scope, not the one in the challenge.
  return fetched({ realm: url.value, service, scope: `repository:${endpoint.repository}:pull` });
}

function usedCachedToken(authorization: Fetched<Authorization>): boolean {
  return authorization.kind === 'fetched' && authorization.value.cachedToken !== undefined;
}

function isSameChallenge(before: Challenge | undefined, after: Challenge): boolean {
  if (before?.kind !== after.kind) return false;
  if (before.kind === 'basic' || after.kind === 'basic') return true;
  return before.realm === after.realm && before.service === after.service;
}

/**
 * Whether the endpoint itself returned 401. A 401 from the target of a redirect must not be answered with credentials.
 */
function isChallenged(response: HttpResponse | FetchFailure): response is HttpResponse {
  return response.kind === 'response' && response.status === 401 && response.redirects === 0;
}
