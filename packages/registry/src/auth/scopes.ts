import { createHmac, randomBytes } from 'node:crypto';
import type { Credential } from './credential.ts';

/** 128 bits: two credentials with the same scope cannot be found. */
const SCOPE_LENGTH = 22;

/** Names credentials by a MAC, which does not reveal them: equal credentials have equal scopes wherever the key is the same (K2). */
export class CredentialScopes {
  readonly #key: string | Buffer;
  readonly #scopesByCredential = new WeakMap<Credential, string>();

  /** @param key shared by all replicas that share a Redis; a random one otherwise, good for this process. */
  constructor(key: string | Buffer = randomBytes(32)) {
    this.#key = key;
  }

  of(credential: Credential): string {
    const cached = this.#scopesByCredential.get(credential);
    if (cached !== undefined) return cached;
    const identity = credential.kind === 'basic' ? [credential.username, credential.password] : [credential.token];
    const text = JSON.stringify([credential.kind, ...identity]);
    const scope = createHmac('sha256', this.#key).update(text).digest('base64url').slice(0, SCOPE_LENGTH);
    this.#scopesByCredential.set(credential, scope);
    return scope;
  }
}
