import type { LastTry } from '@archpolicy/core';

/** What became of the evictions of one pod in this term. */
export type TryState =
  | { readonly kind: 'none' }
  /** There is no second one (P3). */
  | { readonly kind: 'accepted' }
  | {
      readonly kind: 'failed';
      readonly lastTry: LastTry;
      /** In a row. */
      readonly failures: number;
    };

const NONE: TryState = { kind: 'none' };

/** What became of the evictions of this term, by pod. Forgotten with the pod. */
export class Tries {
  readonly #byKey = new Map<string, { readonly uid: string; readonly state: TryState }>();

  /** What is known of the pod of this key and UID: nothing, when it was another's. */
  of(key: string, uid: string): TryState {
    const known = this.#byKey.get(key);
    return known?.uid === uid ? known.state : NONE;
  }

  /** Nobody knows whether the last try was accepted. */
  isUnanswered(key: string, uid: string): boolean {
    const state = this.of(key, uid);
    return state.kind === 'failed' && state.lastTry.reason === 'NoAnswer';
  }

  failuresOf(key: string, uid: string): number {
    const state = this.of(key, uid);
    return state.kind === 'failed' ? state.failures : 0;
  }

  accepted(key: string, uid: string): void {
    this.#byKey.set(key, { uid, state: { kind: 'accepted' } });
  }

  failed(key: string, uid: string, lastTry: LastTry): void {
    const failures = this.failuresOf(key, uid) + 1;
    this.#byKey.set(key, { uid, state: { kind: 'failed', lastTry, failures } });
  }

  /** The pod does not exist any more, whatever its UID was. Whether its last try was never answered: then it was accepted. */
  forget(key: string): boolean {
    const known = this.#byKey.get(key);
    this.#byKey.delete(key);
    return known?.state.kind === 'failed' && known.state.lastTry.reason === 'NoAnswer';
  }

  get size(): number {
    return this.#byKey.size;
  }
}
