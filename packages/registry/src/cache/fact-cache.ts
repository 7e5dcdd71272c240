import { randomUUID } from 'node:crypto';
import type { Clock } from '@archpolicy/async';
import type { RegistryMetrics } from '../metrics.ts';
import { REFUSAL_TTL_MS } from './negative-cache.ts';
import type { Subject } from '../image/image-key.ts';
import { decodeFacts, decodeRefusal, decodeShown, encodeFacts, encodeRefusal, encodeShown } from './codec.ts';
import type { KnownFacts, MemoryCache, Refusal, Shown } from './memory-cache.ts';
import type { Sealer } from './seal.ts';
import { NO_SHARED_STORE } from './shared-store.ts';
import type { SharedStore } from './shared-store.ts';

interface CacheParts {
  readonly memory: MemoryCache;
  readonly store: SharedStore;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly metrics: RegistryMetrics;
}

/** What a host served under a digest stays true for ever; what nobody asked for in a month makes room. */
const FACTS_TTL_MS = 30 * 24 * 60 * 60_000;
/** A holder that dies delays the others by this at most (K4). */
const LOCK_TTL_MS = 2_000;
const LOCK_RENEWAL_MS = 500;

/** A lock on reading something: released by its holder, or by time. */
export interface ReadLock {
  /** Whether others were asked for at all: if not, nobody else may hold it. */
  readonly outcome: 'taken' | 'busy' | 'unavailable';
  release(): void;
}

/** What is known of images: in memory, and behind it, if there is one, in the store that replicas share (K1). */
export class FactCache {
  readonly #parts: CacheParts;
  readonly #isAlone: boolean;
  /** Settles when all that was stored so far is there. */
  #writes: Promise<unknown> = Promise.resolve();

  constructor(parts: CacheParts) {
    this.#parts = parts;
    this.#isAlone = parts.store === NO_SHARED_STORE;
  }

  /** What this registry host served under this digest: what another host says of it counts for nothing. */
  facts(host: string, digest: string, nowMs: number): KnownFacts | undefined {
    return this.#parts.memory.facts(servedKey(host, digest), nowMs);
  }

  shown(scope: string, subject: string): Shown | undefined {
    return this.#parts.memory.shown(scope, subject);
  }

  refusal(asker: string, subject: string, nowMs: number): Refusal | undefined {
    return this.#parts.memory.refusal(asker, subject, nowMs);
  }

  putFacts(host: string, digest: string, facts: KnownFacts): void {
    const { memory, store, sealer } = this.#parts;
    const key = servedKey(host, digest);
    memory.putFacts(key, facts);
    if (this.#isAlone || facts.untilMs !== undefined) return;
    const name = sealer.name('facts', key);
    this.#write(store.set(name, sealer.seal(name, encodeFacts(facts.content)), FACTS_TTL_MS));
  }

  putShown(scope: string, subject: string, shown: Shown, ttlMs: number): void {
    const { memory, store, sealer } = this.#parts;
    memory.putShown(scope, subject, shown);
    if (this.#isAlone) return;
    const name = sealer.name('shown', `${scope} ${subject}`);
    this.#write(store.set(name, sealer.seal(name, encodeShown(shown)), ttlMs));
  }

  forgetShown(scope: string, subject: string): void {
    const { memory, store, sealer } = this.#parts;
    memory.forgetShown(scope, subject);
    if (!this.#isAlone) this.#write(store.set(sealer.name('shown', `${scope} ${subject}`), '', 1));
  }

  lastRefusal(asker: string, subject: string): Refusal | undefined {
    return this.#parts.memory.lastRefusal(asker, subject);
  }

  /** Others that share the store need not be refused as well (K4). */
  putRefusal(asker: string, subject: string, refusal: Refusal): void {
    const { memory, store, sealer } = this.#parts;
    memory.putRefusal(asker, subject, refusal);
    const encoded = encodeRefusal(refusal);
    if (this.#isAlone || encoded === undefined || refusal.pauseMs < 1) return;
    const name = sealer.name('refusal', `${asker} ${subject}`);
    this.#write(store.set(name, sealer.seal(name, encoded), refusal.pauseMs));
  }

  /** An asker that was refused is answered again: the next refusal is the first in a row. */
  forgetRefusal(asker: string, subject: string): void {
    this.#parts.memory.forgetRefusal(asker, subject);
  }

  /** Brings what the shared store knows of a subject into memory: two round trips at most. */
  async load({ key, host, reference }: Subject, scopes: readonly string[], askers: readonly string[]): Promise<void> {
    if (this.#isAlone) return;
    const { sealer } = this.#parts;
    const values = await this.#read([
      ...scopes.map((scope) => sealer.name('shown', `${scope} ${key}`)),
      ...askers.map((asker) => sealer.name('refusal', `${asker} ${key}`)),
    ]);
    const shown = scopes.map((scope, at) => this.#loadShown(scope, key, values[at]));
    for (const [at, asker] of askers.entries()) this.#loadRefusal(asker, key, values[scopes.length + at]);
    const digests = new Set([reference.digest, ...shown].filter((found) => found !== undefined));
    await this.#loadFacts([...digests].map((found) => servedKey(host, found)));
  }

  /** Takes the lock on reading a subject, and keeps it until it is released. */
  async lock(subject: string): Promise<ReadLock> {
    const { store, sealer, clock } = this.#parts;
    const name = sealer.name('lock', subject);
    const token = randomUUID();
    const outcome = await store.lock(name, token, LOCK_TTL_MS);
    if (outcome !== 'taken') return { outcome, release: () => undefined };
    const done = new AbortController();
    const renew = async (): Promise<void> => {
      for (;;) {
        await clock.sleep(LOCK_RENEWAL_MS, done.signal);
        store.extend(name, token, LOCK_TTL_MS);
      }
    };
    renew().catch(() => undefined);
    const release = (): void => {
      done.abort();
      // Who gets the lock next must find what was read: in a Cluster another node may hold it.
      void this.#writes.then(() => {
        store.unlock(name, token);
      });
    };
    return { outcome, release };
  }

  #write(written: Promise<void>): void {
    // Its result is dropped: each write would keep all earlier ones in memory.
    this.#writes = Promise.all([this.#writes, written]).then(() => undefined);
  }

  #loadShown(scope: string, subject: string, value: Sealed): string | undefined {
    const { memory } = this.#parts;
    const shown = this.#open(value, decodeShown);
    const known = memory.shown(scope, subject);
    // Another replica may have asked later than this one, or the other way round.
    if (shown !== undefined && (known === undefined || known.confirmedAtMs < shown.confirmedAtMs)) {
      memory.putShown(scope, subject, shown);
    }
    return (shown ?? known)?.digest;
  }

  #loadRefusal(asker: string, subject: string, value: Sealed): void {
    const { memory, clock } = this.#parts;
    // That there is none is the rule, and no miss.
    const refusal = value?.text === undefined ? undefined : this.#open(value, decodeRefusal);
    const now = clock.now();
    // The clocks of replicas differ: no more than what it would be if it were said now.
    if (refusal === undefined || refusal.untilMs > now + REFUSAL_TTL_MS) return;
    if (memory.refusal(asker, subject, now) === undefined) memory.putRefusal(asker, subject, refusal);
  }

  async #loadFacts(keys: readonly string[]): Promise<void> {
    const { memory, sealer, clock } = this.#parts;
    const unknown = keys.filter((key) => memory.facts(key, clock.now()) === undefined);
    if (unknown.length === 0) return;
    const values = await this.#read(unknown.map((key) => sealer.name('facts', key)));
    for (const [at, key] of unknown.entries()) {
      const content = this.#open(values[at], decodeFacts);
      if (content !== undefined) memory.putFacts(key, { content, source: 'redis' });
    }
  }

  async #read(names: readonly string[]): Promise<readonly Sealed[]> {
    const values = await this.#parts.store.get(names);
    return names.map((name, at) => ({ name, text: values[at] }));
  }

  /** What a value says, if it is ours; counts what came of it. */
  #open<T>(value: Sealed, decode: (text: string) => T | undefined): T | undefined {
    const { sealer, metrics } = this.#parts;
    if (value?.text === undefined) {
      metrics.cache({ level: 'redis', outcome: 'miss' });
      return undefined;
    }
    const payload = sealer.open(value.name, value.text);
    const decoded = payload === undefined ? undefined : decode(payload);
    if (decoded === undefined) metrics.discarded({ what: 'redis-value' });
    metrics.cache({ level: 'redis', outcome: decoded === undefined ? 'miss' : 'hit' });
    return decoded;
  }
}

/** A value of the store with the name under which it was kept; no text when there is none. */
type Sealed = { readonly name: string; readonly text: string | undefined } | undefined;

/** Neither part contains a space. */
function servedKey(host: string, digest: string): string {
  return `${host} ${digest}`;
}
