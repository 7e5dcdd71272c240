import type { Clock } from '@archpolicy/async';
import { SingleFlight } from '@archpolicy/async';
import { isJsonObject } from '@archpolicy/core';
import type { Json } from '@archpolicy/core';
import { LRUCache } from 'lru-cache';
import type { Registries } from '../config/registries.ts';
import { targetFor } from '../config/endpoint.ts';
import { failed, fetched } from '../http/outcome.ts';
import type { FetchFailure, Fetched } from '../http/outcome.ts';
import { retryAt } from '../http/retry-after.ts';
import type { HttpRequest, HttpResponse, Sender } from './transport.ts';
import type { RequestPermit } from '../limits/request-permit.ts';
import type { RegistryMetrics, RequestOutcome } from '../metrics.ts';
import type { Credential } from '../auth/credential.ts';

/** A token that is needed. Everything that makes one token differ from another is part of its key (I6). */
export interface TokenRequest {
  readonly registry: string;
  readonly realm: URL;
  readonly service: string;
  /** `repository:NAME:pull`. */
  readonly scope: string;
  readonly credential?: Credential;
  /** Names the credential; `anonymous` without one. */
  readonly identity: string;
  readonly registries: Registries;
  readonly permit?: RequestPermit;
  readonly signal: AbortSignal;
}

/** A token, and whether it was issued just now. */
export interface IssuedToken {
  readonly value: string;
  readonly fresh: boolean;
}

interface Token {
  readonly value: string;
  /** Monotonic milliseconds. */
  readonly usableUntilMs: number;
}

/** The specification's lifetime when none is given. */
const DEFAULT_LIFETIME_SECONDS = 60;
const MAX_LIFETIME_SECONDS = 3600;
/** Part of its lifetime for which a token is used: the rest covers the request, and clocks that run apart. */
const USED_SHARE = 0.8;
/** Pods of one cluster use some thousand repositories. */
const MAX_TOKENS = 10_000;
const MAX_TOKEN_BODY_BYTES = 64 * 1024;
/** What a header may carry; also keeps line breaks out. */
const TOKEN = /^[\x21-\x7e]{1,16384}$/;

/** Gets bearer tokens, keeps them until shortly before they expire, and asks once for all who need the same one. */
export class TokenService {
  readonly #transport: Sender;
  readonly #clock: Clock;
  readonly #metrics: RegistryMetrics;
  readonly #tokens = new LRUCache<string, Token>({ max: MAX_TOKENS });
  readonly #flights = new SingleFlight<Fetched<IssuedToken>>();

  constructor(transport: Sender, clock: Clock, metrics: RegistryMetrics) {
    this.#transport = transport;
    this.#clock = clock;
    this.#metrics = metrics;
  }

  token(request: TokenRequest): Promise<Fetched<IssuedToken>> {
    const key = keyOf(request);
    const known = this.#tokens.get(key);
    if (known !== undefined && this.#clock.monotonic() < known.usableUntilMs) {
      return Promise.resolve(fetched({ value: known.value, fresh: false }));
    }
    // A pod must not wait for a permit of a background inspection.
    const flight = request.permit === undefined ? key : `background ${key}`;
    return this.#flights.do(flight, () => this.#ask(key, request));
  }

  /** The registry refused the token: the next request gets a new one. */
  forget(request: TokenRequest): void {
    this.#tokens.delete(keyOf(request));
  }

  async #ask(key: string, request: TokenRequest): Promise<Fetched<IssuedToken>> {
    const askedAtMs = this.#clock.monotonic();
    const http =
      request.credential?.kind === 'identity-token' ? refresh(request, request.credential.token) : get(request);
    const response = await this.#transport.send(http);
    const answer = this.#judge(response);
    this.#count(http.method, answer);
    if (answer.kind === 'failed') return answer;
    const { value, lifetimeSeconds } = answer.value;
    this.#tokens.set(key, { value, usableUntilMs: askedAtMs + lifetimeSeconds * 1000 * USED_SHARE });
    return fetched({ value, fresh: true });
  }

  #judge(response: HttpResponse | FetchFailure): Fetched<{ readonly value: string; readonly lifetimeSeconds: number }> {
    if (response.kind === 'failed') return response;
    const { status, headers, body } = response;
    if (status === 200) return parseToken(body);
    // 400 is how OAuth2 says that a grant is not good.
    if (status === 400 || status === 401 || status === 403) return failed('Unauthorized');
    if (status === 429) return failed('RateLimited', retryAt(headers['retry-after'], this.#clock.now()));
    // Redirects are not followed: the realm was judged, another place was not.
    return failed(status >= 300 && status < 400 ? 'Blocked' : 'Unavailable');
  }

  #count(method: HttpRequest['method'], answer: Fetched<unknown>): void {
    const outcome = answer.kind === 'fetched' ? 'ok' : OUTCOMES[answer.reason];
    this.#metrics.request({ purpose: 'token', method, outcome: outcome ?? 'unavailable' });
  }
}

const OUTCOMES: Partial<Record<FetchFailure['reason'], RequestOutcome>> = {
  Unauthorized: 'unauthorized',
  RateLimited: 'rate-limited',
  Deadline: 'aborted',
  TooLarge: 'too-large',
  Malformed: 'malformed',
  Blocked: 'blocked',
};

function keyOf({ registry, realm, service, scope, identity }: TokenRequest): string {
  return JSON.stringify([registry, realm.href, service, scope, identity]);
}

function get(request: TokenRequest): HttpRequest {
  const url = new URL(request.realm);
  if (request.service !== '') url.searchParams.set('service', request.service);
  url.searchParams.set('scope', request.scope);
  const { credential } = request;
  const headers = credential?.kind === 'basic' ? { authorization: basicHeader(credential) } : {};
  return { ...common(request, url), method: 'GET', headers };
}

/** Exchanges a refresh token: https://distribution.github.io/distribution/spec/auth/oauth/. */
function refresh(request: TokenRequest, token: string): HttpRequest {
  const form = {
    grant_type: 'refresh_token',
    service: request.service,
    client_id: 'archpolicy',
    scope: request.scope,
    refresh_token: token,
  };
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return { ...common(request, request.realm), method: 'POST', headers, body: new URLSearchParams(form).toString() };
}

function common(
  { registry, registries, permit, signal }: TokenRequest,
  url: URL,
): Pick<HttpRequest, 'url' | 'maxBytes' | 'target' | 'sentBy' | 'permit' | 'signal'> {
  const sentBy = targetFor(registry, registries).host;
  const common = { url, maxBytes: MAX_TOKEN_BODY_BYTES, target: targetFor(url.host, registries), sentBy, signal };
  return permit === undefined ? common : { ...common, permit };
}

/** The value of a Basic Authorization header. */
export function basicHeader({ username, password }: Extract<Credential, { readonly kind: 'basic' }>): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}

function parseToken(body: Uint8Array): Fetched<{ readonly value: string; readonly lifetimeSeconds: number }> {
  const json = parseJson(body);
  if (!isJsonObject(json)) return failed('Malformed');
  const value = json['token'] ?? json['access_token'];
  if (typeof value !== 'string' || !TOKEN.test(value)) return failed('Malformed');
  const told = json['expires_in'];
  const lifetimeSeconds =
    typeof told === 'number' && told > 0 ? Math.min(told, MAX_LIFETIME_SECONDS) : DEFAULT_LIFETIME_SECONDS;
  return fetched({ value, lifetimeSeconds });
}

function parseJson(body: Uint8Array): Json | undefined {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8')) as Json;
  } catch {
    return undefined;
  }
}
