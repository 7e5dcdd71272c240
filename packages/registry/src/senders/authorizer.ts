import type { Clock } from '@archpolicy/async';
import { LRUCache } from 'lru-cache';
import type { Registries } from '../config/registries.ts';
import { failed, fetched } from '../http/outcome.ts';
import type { FetchFailure, Fetched } from '../http/outcome.ts';
import type { HttpResponse } from './transport.ts';
import type { RequestPermit } from '../limits/request-permit.ts';
import type { Access } from '../auth/access.ts';
import type { Credential } from '../auth/credential.ts';
import { parseChallenge } from '../auth/challenge.ts';
import type { Challenge } from '../auth/challenge.ts';
import { FirstContacts } from '../auth/first-contacts.ts';
import type { EndContact } from '../auth/first-contacts.ts';
import { validateRealm } from '../auth/realm.ts';
import { basicHeader } from './token-service.ts';
import type { TokenRequest, TokenService } from './token-service.ts';

/** A response, and whether a credential was needed to get it. */
export interface AuthorizedResponse {
  readonly response: HttpResponse | FetchFailure;
  readonly usedCredential: boolean;
}

export interface AuthorizedCall {
  readonly access: Access;
  readonly registries: Registries;
  readonly permit?: RequestPermit;
  readonly signal: AbortSignal;
  /** Sends the request with this Authorization header to the access's endpoint, and only there. */
  send(authorization: string | undefined): Promise<HttpResponse | FetchFailure>;
}

/** Registries that processes talk to; a forgotten challenge costs one refused request. */
const MAX_CHALLENGES = 1_000;

/**
 * Answers registries' challenges (I6). The first request to a registry goes without a credential: its refusal says how it
 * wants to be asked, which is remembered for all later ones.
 */
export class Authorizer {
  readonly #tokens: TokenService;
  readonly #contacts: FirstContacts;
  readonly #challenges = new LRUCache<string, Challenge>({ max: MAX_CHALLENGES });

  constructor(tokens: TokenService, clock: Pick<Clock, 'sleep'>) {
    this.#tokens = tokens;
    this.#contacts = new FirstContacts(clock);
  }

  async call(call: AuthorizedCall): Promise<AuthorizedResponse> {
    const { origin } = call.access.endpoint.base;
    // A background request may wait long for its permit: no other request waits for that.
    const endContact = call.permit === undefined ? await this.#contacts.enter(origin, call.signal) : undefined;
    const known = this.#challenges.get(origin);
    const { attempt: first, challenge } = await this.#first(call, known, endContact);
    if (challenge === undefined) return first;
    // A refusal of the right answer is final; what may have been wrong is the challenge, or a token that was kept.
    if (isSame(known, challenge) && !first.usedKeptToken) return first;
    return this.#try(call, challenge);
  }

  /** The answer, and the challenge in it, which is known to all others by then. */
  async #first(
    call: AuthorizedCall,
    known: Challenge | undefined,
    endContact: EndContact | undefined,
  ): Promise<{ readonly attempt: Attempt; readonly challenge?: Challenge | undefined }> {
    let answered = false;
    try {
      const first = await this.#try(call, known);
      answered = first.response.kind === 'response';
      if (!isChallenged(first.response)) return { attempt: first };
      const challenge = parseChallenge(first.response.headers['www-authenticate']);
      if (challenge !== undefined) this.#challenges.set(call.access.endpoint.base.origin, challenge);
      return { attempt: first, challenge };
    } finally {
      endContact?.(answered);
    }
  }

  async #try(call: AuthorizedCall, challenge: Challenge | undefined): Promise<Attempt> {
    if (challenge === undefined) return attempt(await call.send(undefined), false);
    const usedCredential = call.access.credential !== undefined;
    const answer = await this.#answer(challenge, call);
    if (answer.kind === 'failed') return attempt(answer, usedCredential);
    const response = await call.send(answer.value.authorization);
    const { kept } = answer.value;
    if (kept !== undefined && isChallenged(response)) this.#tokens.forget(kept);
    return attempt(response, usedCredential, kept !== undefined);
  }

  async #answer(challenge: Challenge, call: AuthorizedCall): Promise<Fetched<Answer>> {
    const { credential } = call.access;
    if (challenge.kind === 'basic') return answerBasic(credential);
    if (credential?.kind === 'bearer') return fetched({ authorization: `Bearer ${credential.token}` });
    const request = tokenRequest(challenge, call);
    if (request === undefined) return failed('Blocked');
    const token = await this.#tokens.token(request);
    if (token.kind === 'failed') return token;
    const authorization = `Bearer ${token.value.value}`;
    return fetched(token.value.fresh ? { authorization } : { authorization, kept: request });
  }
}

interface Attempt extends AuthorizedResponse {
  /** Sent with a token that had been issued earlier. */
  readonly usedKeptToken: boolean;
}

interface Answer {
  /** Absent: ask without. */
  readonly authorization?: string;
  /** The request of a token that had been issued earlier. */
  readonly kept?: TokenRequest;
}

/** Registries with Basic authentication may show some repositories to everyone. */
function answerBasic(credential: Credential | undefined): Fetched<Answer> {
  if (credential === undefined) return fetched({});
  return credential.kind === 'basic' ? fetched({ authorization: basicHeader(credential) }) : failed('Unauthorized');
}

function attempt(response: HttpResponse | FetchFailure, usedCredential: boolean, usedKeptToken = false): Attempt {
  return { response, usedCredential, usedKeptToken };
}

function isSame(before: Challenge | undefined, after: Challenge): boolean {
  if (before?.kind !== after.kind) return false;
  if (before.kind === 'basic' || after.kind === 'basic') return true;
  return before.realm === after.realm && before.service === after.service;
}

type Bearer = Extract<Challenge, { readonly kind: 'bearer' }>;

function tokenRequest(
  { realm, service }: Bearer,
  { access, registries, permit, signal }: AuthorizedCall,
): TokenRequest | undefined {
  const { endpoint, credential, scope: identity } = access;
  const url = validateRealm(realm, endpoint.base, registries);
  if (url === undefined) return undefined;
  // Never the scope that the registry asks for: pulling is all that is needed.
  const scope = `repository:${endpoint.repository}:pull`;
  const common = {
    registry: endpoint.host,
    realm: url,
    service,
    scope,
    identity,
    registries,
    signal,
    ...(permit && { permit }),
  };
  return credential === undefined ? common : { ...common, credential };
}

/** A refusal by the endpoint itself; one by a host that it redirected to is not answered with credentials. */
function isChallenged(response: HttpResponse | FetchFailure): response is HttpResponse {
  return response.kind === 'response' && response.status === 401 && response.redirects === 0;
}
