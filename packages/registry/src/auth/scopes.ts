import { createHmac } from 'node:crypto';
import { CacheSecret } from '../cache/cache-secret.ts';
import type { Credential } from './credential.ts';

/** Length of 128 bits in base64url. With so many bits, a tenant cannot find two credentials with the same scope. */
const SCOPE_LENGTH = 22;

/**
 * Computes the scope of a credential, a MAC that does not reveal the credential. With the same cache key, equal
 * credentials have equal scopes (K2).
 */
export class CredentialScopes {
  readonly #secret: CacheSecret;
  #scopesByCredential = new WeakMap<Credential, string>();
  #computedWith: string;

  constructor(secret = new CacheSecret()) {
    this.#secret = secret;
    this.#computedWith = secret.reveal();
  }

  scopeFor(credential: Credential): string {
    const key = this.#secret.reveal();
    if (key !== this.#computedWith) {
      this.#scopesByCredential = new WeakMap();
      this.#computedWith = key;
    }
    const cached = this.#scopesByCredential.get(credential);
    if (cached !== undefined) return cached;
    const identity = credential.kind === 'basic' ? [credential.username, credential.password] : [credential.token];
    const text = JSON.stringify([credential.kind, ...identity]);
    const scope = createHmac('sha256', key).update(text).digest('base64url').slice(0, SCOPE_LENGTH);
    this.#scopesByCredential.set(credential, scope);
    return scope;
  }
}
