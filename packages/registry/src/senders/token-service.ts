import { SingleFlight } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { LRUCache } from 'lru-cache';
import type { Credential } from '../auth/credential.ts';
import { toBasicHeader } from '../http/basic-header.ts';
import { fetched, inPlace } from '../http/outcome.ts';
import type { Fetched } from '../http/outcome.ts';
import type { RequestContext } from './request-context.ts';
import type { HttpRequest, Sender } from './sender.ts';
import { parseTokenResponse } from './token-response.ts';

/** The token that a challenge requires. It is requested for the endpoint and credential of the request's context. */
export interface TokenRequest {
  readonly realm: URL;
  readonly service: string;
  /** `repository:NAME:pull`. */
  readonly scope: string;
}

export interface IssuedToken {
  readonly value: string;
  /** Whether the token was issued for this call; otherwise it came from the cache. */
  readonly fresh: boolean;
}

interface Token {
  readonly value: string;
  /** Monotonic milliseconds. */
  readonly usableUntilMs: number;
}

/**
 * The share of a token's lifetime during which the token is used. The rest covers the duration of the request and clock
 * skew.
 */
const USED_SHARE = 0.8;
/** Maximum number of cached tokens. The pods of one cluster use some thousand repositories. */
const MAX_TOKENS = 10_000;
const MAX_TOKEN_BODY_BYTES = 64 * 1024;

/** Requests bearer tokens, caches them until shortly before they expire, and sends one request for concurrent callers (I6). */
export class TokenService {
  readonly #sender: Sender;
  readonly #clock: Clock;
  readonly #tokens = new LRUCache<string, Token>({ max: MAX_TOKENS });
  readonly #singleFlight = new SingleFlight<Fetched<IssuedToken>>();

  constructor(sender: Sender, clock: Clock) {
    this.#sender = sender;
    this.#clock = clock;
  }

  async token(request: TokenRequest, context: RequestContext): Promise<Fetched<IssuedToken>> {
    const key = toTokenKey(request, context);
    // Use separate keys, because a pod must not wait for a permit of a background inspection.
    const flightKey = context.permit === undefined ? key : `background ${key}`;
    for (;;) {
      const cached = this.#tokens.get(key);
      if (cached !== undefined && this.#clock.monotonic() < cached.usableUntilMs) {
        return fetched({ value: cached.value, fresh: false });
      }
      const inFlight = this.#singleFlight.get(flightKey);
      if (inFlight === undefined) return this.#singleFlight.do(flightKey, () => this.#request(key, request, context));
      const token = await inFlight;
      // A deadline or a bound of the inspection that sent the request does not concern this one.
      if (token.kind === 'fetched' || token.reason !== 'Deadline' || context.signal.aborted) return token;
    }
  }

  /** Drops a token that the registry rejected, so that the next request gets a new one. */
  invalidate(request: TokenRequest, context: RequestContext): void {
    this.#tokens.delete(toTokenKey(request, context));
  }

  async #request(key: string, request: TokenRequest, context: RequestContext): Promise<Fetched<IssuedToken>> {
    const requestedAtMs = this.#clock.monotonic();
    const response = await this.#sender.send(toHttpRequest(request, context.attempt.credential), context);
    const grant = parseTokenResponse(response, this.#clock.now());
    if (grant.kind === 'failed') return inPlace(grant, 'token-service', request.realm.host);
    const { value, lifetimeSeconds } = grant.value;
    this.#tokens.set(key, { value, usableUntilMs: requestedAtMs + lifetimeSeconds * 1000 * USED_SHARE });
    return fetched({ value, fresh: true });
  }
}

/** Returns a key of everything that a token depends on (I6). */
function toTokenKey({ realm, service, scope }: TokenRequest, { attempt }: RequestContext): string {
  return JSON.stringify([attempt.endpoint.host, realm.href, service, scope, attempt.scope]);
}

function toHttpRequest(request: TokenRequest, credential: Credential | undefined): HttpRequest {
  return credential?.kind === 'identity-token'
    ? buildExchangeRequest(request, credential.token)
    : buildGetRequest(request, credential);
}

/** https://distribution.github.io/distribution/spec/auth/token/#requesting-a-token */
function buildGetRequest({ realm, service, scope }: TokenRequest, credential: Credential | undefined): HttpRequest {
  const url = new URL(realm);
  if (service !== '') url.searchParams.set('service', service);
  url.searchParams.set('scope', scope);
  const headers = credential?.kind === 'basic' ? { authorization: toBasicHeader(credential) } : {};
  return { purpose: 'token', method: 'GET', url, host: url.host, headers, maxBytes: MAX_TOKEN_BODY_BYTES };
}

/** Exchanges a refresh token: https://distribution.github.io/distribution/spec/auth/oauth/. */
function buildExchangeRequest({ realm, service, scope }: TokenRequest, refreshToken: string): HttpRequest {
  const form = {
    grant_type: 'refresh_token',
    service,
    client_id: 'archpolicy',
    scope,
    refresh_token: refreshToken,
  };
  return {
    purpose: 'token',
    method: 'POST',
    url: realm,
    host: realm.host,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
    maxBytes: MAX_TOKEN_BODY_BYTES,
  };
}
