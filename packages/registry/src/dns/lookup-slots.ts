import { KeyedConcurrencyLimit } from '@archpolicy/async';
import type { KeyedConcurrencyLimitOptions } from '@archpolicy/async';
import { LRUCache } from 'lru-cache';
import { registrableDomain } from './registrable-domain.ts';

/**
 * The bounds of lookups in flight: keys are registrable domains, items are names. Tenants choose both. Each lookup has at
 * most two sockets.
 */
const NEW_NAMES: KeyedConcurrencyLimitOptions<'lookup'> = {
  priorities: ['lookup'],
  // All names of 500 silent domains take these slots for at most 5 s.
  maxRunning: 512,
  // A domain with silent servers delays only its own names.
  maxRunningPerKey: 8,
  // More than inspections run at a time, so that no lookup is rejected. A waiting lookup takes about 1 KB.
  maxWaiting: 4_000,
  maxWaitingPerKey: 4_000,
};
/** The bounds of names with addresses. They are as many as the registries in use, and their servers answer. */
const KNOWN_NAMES: KeyedConcurrencyLimitOptions<'lookup'> = { ...NEW_NAMES, maxRunning: 256, maxRunningPerKey: 64 };
/** Maximum number of known names in memory, because tenants choose names. */
const MAX_KNOWN_NAMES = 2_000;

/**
 * Bounds the lookups in flight. A name whose last lookup found addresses is known. Known names have slots of their own, so that
 * names that a tenant makes up under the domain of a registry in use (`*.ecr.us-east-1.amazonaws.com`,
 * `*.corp.example`) do not delay the registry.
 */
export class LookupSlots {
  readonly #new = new KeyedConcurrencyLimit(NEW_NAMES);
  readonly #known = new KeyedConcurrencyLimit(KNOWN_NAMES);
  readonly #knownNames = new LRUCache<string, true>({ max: MAX_KNOWN_NAMES });

  /** Runs the lookup as soon as a slot is free. If too many lookups wait, returns undefined and does not run it. */
  run<T>(name: string, lookup: () => Promise<T>): Promise<T> | undefined {
    const limit = this.#knownNames.get(name) === true ? this.#known : this.#new;
    return limit.run({ priority: 'lookup', key: registrableDomain(name), item: name }, lookup);
  }

  /** Records whether a lookup found addresses. */
  record(name: string, found: boolean): void {
    if (found) this.#knownNames.set(name, true);
    else this.#knownNames.delete(name);
  }
}
