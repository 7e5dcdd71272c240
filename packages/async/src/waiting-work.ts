import { FairQueue } from './fair-queue.ts';

/** Work that waits for its slots. */
export interface Waiting {
  /** The tenants that wait for the work. If none waits, the last one that did. */
  readonly tenants: ReadonlySet<string>;
  /** Within a tenant, groups are served round-robin: images of a host that has no free slot do not delay other images. */
  readonly group: string;
  /** The pool that work of several groups shares; empty if there is none. While it is full, no work of the lane is looked up. */
  readonly lane: string;
  readonly rank: number;
}

/** The queues of a tenant, by lane. No queue is empty. */
type Lanes<W> = Map<string, FairQueue<W, W>>;

interface Room<W> {
  readonly isLaneFull: (lane: string) => boolean;
  readonly hasRoom: (work: W) => boolean;
  readonly shareOf: (tenant: string, work: W) => number;
}

/** The waiting work of all tenants: by rank, then by the share that the tenant uses, then round-robin. */
export class WaitingWork<W extends Waiting> {
  /** Rank → tenant → work. The tenant that was served last comes last. */
  readonly #ranks: readonly Map<string, Lanes<W>>[];
  readonly #all = new Set<W>();

  constructor(ranks: number) {
    this.#ranks = Array.from({ length: ranks }, () => new Map<string, Lanes<W>>());
  }

  get size(): number {
    return this.#all.size;
  }

  /** The number of waiting pieces of work of the tenant, of all ranks. */
  sizeOf(tenant: string): number {
    let size = 0;
    for (const tenants of this.#ranks) size += sizeOfLanes(tenants.get(tenant) ?? new Map<string, FairQueue<W, W>>());
    return size;
  }

  has(work: W): boolean {
    return this.#all.has(work);
  }

  /**
   * Returns the first work of the rank that should leave a full queue, if any.
   * @param tenant the tenant whose work it is; by default the one that has most of this rank
   */
  findSurplus(rank: number, tenant?: string): W | undefined {
    const tenants = this.#ranks[rank] ?? new Map<string, Lanes<W>>();
    let largest: { readonly lanes: Lanes<W>; readonly size: number } | undefined;
    for (const lanes of tenant === undefined ? tenants.values() : [tenants.get(tenant)]) {
      if (lanes === undefined) continue;
      const size = sizeOfLanes(lanes);
      if (largest === undefined || size > largest.size) largest = { lanes, size };
    }
    for (const queue of largest?.lanes.values() ?? []) return queue.first;
    return undefined;
  }

  /** Whether work of a rank below `rank` waits. */
  isWaitingBelow(rank: number): boolean {
    return this.#ranks.slice(0, rank).some(({ size }) => size > 0);
  }

  add(work: W): void {
    this.#all.add(work);
    for (const tenant of work.tenants) this.addTenant(work, tenant);
  }

  addTenant(work: W, tenant: string): void {
    const tenants = this.#tenantsOf(work);
    let lanes = tenants.get(tenant);
    if (lanes === undefined) tenants.set(tenant, (lanes = new Map<string, FairQueue<W, W>>()));
    let queue = lanes.get(work.lane);
    if (queue === undefined) lanes.set(work.lane, (queue = new FairQueue<W, W>()));
    queue.set(work.group, work, work);
  }

  removeTenant(work: W, tenant: string): void {
    const tenants = this.#tenantsOf(work);
    const lanes = tenants.get(tenant);
    const queue = lanes?.get(work.lane);
    queue?.delete(work.group, work);
    if (queue?.size === 0) lanes?.delete(work.lane);
    if (lanes?.size === 0) tenants.delete(tenant);
  }

  remove(work: W): void {
    this.#all.delete(work);
    for (const tenant of work.tenants) this.removeTenant(work, tenant);
  }

  /** The waiting work of a group, in the order of its arrival within each tenant. */
  ofGroup(group: string): ReadonlySet<W> {
    const works = new Set<W>();
    for (const tenants of this.#ranks) {
      for (const lanes of tenants.values()) {
        for (const queue of lanes.values()) for (const work of queue.entriesOf(group)) works.add(work);
      }
    }
    return works;
  }

  /**
   * Removes and returns the work to start next: of the lowest rank that has work with free slots, that of the tenant that uses
   * the smallest share.
   */
  takeNext(room: Room<W>): W | undefined {
    for (const tenants of this.#ranks) {
      let best: { readonly tenant: string; readonly work: W; readonly share: number } | undefined;
      for (const [tenant, lanes] of tenants) {
        const work = findInLanes(lanes, room);
        if (work === undefined) continue;
        const share = room.shareOf(tenant, work);
        if (best === undefined || share < best.share) best = { tenant, work, share };
      }
      if (best !== undefined) return this.#take(best.tenant, best.work);
    }
    return undefined;
  }

  /** The oldest work of each tenant and group with a rank below `rank`: at most `max` tenants, those with the smallest share first. */
  heads(rank: number, max: number, shareOf: (tenant: string) => number): readonly W[] {
    const heads: W[] = [];
    for (const tenants of this.#ranks.slice(0, rank)) {
      const smallest = [...tenants]
        .map(([tenant, lanes]) => ({ lanes, share: shareOf(tenant) }))
        .sort((a, b) => a.share - b.share);
      for (const { lanes } of smallest.slice(0, max))
        for (const queue of lanes.values()) heads.push(...queue.heads(max));
    }
    return heads;
  }

  #take(tenant: string, work: W): W {
    const tenants = this.#tenantsOf(work);
    const lanes = tenants.get(tenant);
    lanes?.get(work.lane)?.take((candidate) => candidate === work);
    tenants.delete(tenant);
    if (lanes !== undefined) tenants.set(tenant, lanes);
    this.remove(work);
    return work;
  }

  #tenantsOf({ rank }: W): Map<string, Lanes<W>> {
    const tenants = this.#ranks[rank];
    if (tenants === undefined) throw new TypeError(`unknown rank ${rank}`);
    return tenants;
  }
}

function sizeOfLanes<W>(lanes: Lanes<W>): number {
  let size = 0;
  for (const queue of lanes.values()) size += queue.size;
  return size;
}

function findInLanes<W>(lanes: Lanes<W>, { isLaneFull, hasRoom }: Room<W>): W | undefined {
  for (const [lane, queue] of lanes) {
    const work = isLaneFull(lane) ? undefined : queue.find(hasRoom);
    if (work !== undefined) return work;
  }
  return undefined;
}
