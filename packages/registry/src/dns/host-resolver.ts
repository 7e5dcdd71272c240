import type { LookupAddress } from 'node:dns';
import { networkInterfaces } from 'node:os';
import type { NetworkInterfaceInfo } from 'node:os';
import type { Clock } from '@archpolicy/async';
import { LRUCache } from 'lru-cache';
import { addressFamilies, orderAddresses } from './address-families.ts';
import { LookupSlots } from './lookup-slots.ts';
import { resolveName } from './name-lookup.ts';
import type { LookupOutcome } from './name-lookup.ts';
import { sendQuery } from './query.ts';
import type { SendQuery } from './query.ts';
import { ServerOrder } from './server-order.ts';
import { SharedLookups } from './shared-lookups.ts';
import { SYSTEM_PATHS, SystemFiles } from './system-files.ts';
import type { NameFilePaths, NameFiles } from './system-files.ts';

/** The outcome of resolving the name of a host. */
export type HostResolution =
  /** The addresses, the preferred family first. */
  | { readonly kind: 'resolved'; readonly addresses: readonly LookupAddress[] }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'no-answer' }
  /** The lookup ended without an answer, because no caller waits for it. */
  | { readonly kind: 'cancelled' }
  /** The lookup did not start: too many others run until the caller's signal aborted, or too many wait. */
  | { readonly kind: 'queued' };

export interface HostResolverOptions {
  readonly clock: Clock;
  readonly paths?: NameFilePaths;
  readonly sendQuery?: SendQuery;
  /** Returns the interfaces of this machine; the names of the interfaces are not used. */
  readonly interfaces?: () => readonly NetworkInterfaceInfo[];
}

interface CachedOutcome {
  readonly resolution: HostResolution;
  readonly expiresAtMs: number;
}

const CANCELLED: HostResolution = { kind: 'cancelled' };
/** Maximum number of names with a cached outcome. */
const MAX_CACHED_NAMES = 2_000;
/** Addresses are kept for the TTL of their records, within these bounds: one lookup serves all connections of a burst. */
const MIN_CACHED_MS = 1_000;
const MAX_CACHED_MS = 10_000;
/** How long the list of this machine's interfaces is used. Reading it takes about 0.1 ms, which counts in a burst of names. */
const INTERFACES_CACHED_MS = 1_000;
/** How long a failure is kept. A pod whose image failed waits longer before the next inspection. */
const FAILURE_CACHED_MS = 5_000;

/**
 * Resolves names of registry hosts as getaddrinfo does, without its threads: getaddrinfo cannot be cancelled, and a few silent
 * names would delay all other names, also those of Redis and of the API server, which are looked up by getaddrinfo.
 */
export class HostResolver {
  readonly #clock: Clock;
  readonly #files: SystemFiles;
  readonly #sendQuery: SendQuery;
  readonly #interfaces: () => readonly NetworkInterfaceInfo[];
  readonly #order = new ServerOrder();
  readonly #cache = new LRUCache<string, CachedOutcome>({ max: MAX_CACHED_NAMES });
  /** The names whose lookups wait for a slot. */
  readonly #queued = new Set<string>();
  readonly #slots = new LookupSlots();
  #lookups = new SharedLookups<HostResolution>();
  #current: NameFiles | undefined;
  #families: { readonly list: readonly (4 | 6)[]; readonly expiresAtMs: number } | undefined;

  constructor(options: HostResolverOptions) {
    this.#clock = options.clock;
    this.#files = new SystemFiles(options.paths ?? SYSTEM_PATHS, options.clock);
    this.#sendQuery = options.sendQuery ?? sendQuery;
    this.#interfaces = options.interfaces ?? listInterfaces;
  }

  /** Resolves a host name, in the hosts file first. Over a bound, the lookup waits until the signal aborts. */
  async resolve(host: string, signal: AbortSignal): Promise<HostResolution> {
    const name = host.toLowerCase();
    const files = this.#readFiles();
    const inFile = files.hosts.get(name);
    const fromFile = inFile === undefined ? [] : orderAddresses(inFile, this.#readFamilies());
    if (fromFile.length > 0) return { kind: 'resolved', addresses: fromFile };
    const cached = this.#cache.get(name);
    if (cached !== undefined && this.#clock.monotonic() < cached.expiresAtMs) return cached.resolution;
    const resolution = await this.#lookups.join(name, signal, (signal) => this.#startLookup(name, files, signal));
    return resolution ?? { kind: this.isQueued(name) ? 'queued' : 'cancelled' };
  }

  /** Whether the lookup of a name waits for others to end. */
  isQueued(host: string): boolean {
    return this.#queued.has(host.toLowerCase());
  }

  /** Returns the address families of this machine. */
  #readFamilies(): readonly (4 | 6)[] {
    const nowMs = this.#clock.monotonic();
    if (this.#families === undefined || nowMs >= this.#families.expiresAtMs) {
      this.#families = { list: addressFamilies(this.#interfaces()), expiresAtMs: nowMs + INTERFACES_CACHED_MS };
    }
    return this.#families.list;
  }

  /** Returns the files. After a change, discards what was looked up with the earlier ones. */
  #readFiles(): NameFiles {
    const files = this.#files.read();
    if (files === this.#current) return files;
    this.#current = files;
    this.#cache.clear();
    this.#order.clear();
    this.#lookups = new SharedLookups();
    return files;
  }

  async #startLookup(name: string, files: NameFiles, signal: AbortSignal): Promise<HostResolution> {
    this.#queued.add(name);
    const lookup = this.#slots.run(name, async () => {
      this.#queued.delete(name);
      // The last caller may have given up while the lookup waited for its slot.
      return signal.aborted ? CANCELLED : await this.#queryServers(name, files, signal);
    });
    if (lookup !== undefined) return await lookup;
    this.#queued.delete(name);
    return { kind: 'queued' };
  }

  async #queryServers(name: string, files: NameFiles, signal: AbortSignal): Promise<HostResolution> {
    const families = this.#readFamilies().filter((family) => family === 4 || !files.config.omitsIpv6);
    const parts = { sendQuery: this.#sendQuery, order: this.#order, clock: this.#clock };
    const outcome = await resolveName({ host: name, config: files.config, families }, parts, signal);
    if (outcome.kind !== 'found' && signal.aborted) return CANCELLED;
    this.#slots.record(name, outcome.kind === 'found');
    const resolution = toResolution(outcome, families);
    if (files === this.#current) {
      this.#cache.set(name, { resolution, expiresAtMs: this.#clock.monotonic() + cacheTime(outcome) });
    }
    return resolution;
  }
}

function toResolution(outcome: LookupOutcome, families: readonly (4 | 6)[]): HostResolution {
  if (outcome.kind !== 'found') return outcome;
  const addresses = outcome.records.map(({ address, family }) => ({ address, family }));
  return { kind: 'resolved', addresses: orderAddresses(addresses, families) };
}

function cacheTime(outcome: LookupOutcome): number {
  if (outcome.kind !== 'found') return FAILURE_CACHED_MS;
  const ttlMs = Math.min(...outcome.records.map(({ ttlMs }) => ttlMs));
  return Math.min(Math.max(ttlMs, MIN_CACHED_MS), MAX_CACHED_MS);
}

/** Returns the interfaces of this machine. Where a sandbox does not list them, none: then both families are looked up. */
function listInterfaces(): readonly NetworkInterfaceInfo[] {
  try {
    return Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  } catch {
    return [];
  }
}
