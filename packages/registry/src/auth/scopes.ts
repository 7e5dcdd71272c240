import { createHmac, randomBytes } from 'node:crypto';
import type { Credential } from './credential.ts';

/** Length of 128 bits in base64url. With so many bits, a tenant cannot find two credentials with the same scope. */
const SCOPE_LENGTH = 22;

/**
 * Computes the scope of a credential, a MAC that does not reveal the credential. With the same key, equal credentials
 * have equal scopes (K2).
 */
export class CredentialScopes {
  readonly #key: string | Buffer;
  readonly #scopesByCredential = new WeakMap<Credential, string>();

  /** @param key the same key in all replicas that share a Redis; by default a random key for this process only */
  constructor(key: string | Buffer = randomBytes(32)) {
    this.#key = key;
  }

  scopeFor(credential: Credential): string {
    const cached = this.#scopesByCredential.get(credential);
    if (cached !== undefined) return cached;
    const identity = credential.kind === 'basic' ? [credential.username, credential.password] : [credential.token];
    const text = JSON.stringify([credential.kind, ...identity]);
    const scope = createHmac('sha256', this.#key).update(text).digest('base64url').slice(0, SCOPE_LENGTH);
    this.#scopesByCredential.set(credential, scope);
    return scope;
  }
}
