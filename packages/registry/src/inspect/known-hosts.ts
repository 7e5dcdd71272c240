import { LRUCache } from 'lru-cache';
import type { Resolution } from './resolver.ts';

/** Maximum number of hosts in memory, because tenants choose hosts. Hosts in use are not forgotten. */
const MAX_HOSTS = 4_000;
/** Failures that only a host that answers causes. */
const ANSWERED: ReadonlySet<string> = new Set(['Unauthorized', 'NotFound', 'TooLarge', 'Malformed']);

/** The registry hosts that have answered an inspection of this process. */
export class KnownHosts {
  readonly #hosts = new LRUCache<string, true>({ max: MAX_HOSTS });

  /** @param host normalized */
  has(host: string): boolean {
    return this.#hosts.get(host) === true;
  }

  /** Records what the result of an inspection shows about the host. Returns whether the host was unknown before. */
  record(host: string, resolution: Resolution): boolean {
    const isKnown = this.has(host);
    if (resolution.kind !== 'answer' && !ANSWERED.has(resolution.failure.reason)) return false;
    this.#hosts.set(host, true);
    return !isKnown;
  }
}
