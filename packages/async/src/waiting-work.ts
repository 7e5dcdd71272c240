import { FairQueue } from './fair-queue.ts';

/** Work that waits for its slots. */
export interface Waiting {
  /** The tenants that wait for the work. If none waits, the last one that did. */
  readonly tenants: ReadonlySet<string>;
  /** Within a tenant, groups are served round-robin: images of a host that has no free slot do not delay other images. */
  readonly group: string;
  readonly rank: number;
}

/** The waiting work of all tenants: by rank, then by the share that the tenant uses, then round-robin. */
export class WaitingWork<W extends Waiting> {
  /** Rank → tenant → work. The tenant that was served last comes last. */
  readonly #ranks: readonly Map<string, FairQueue<W, W>>[];
  readonly #all = new Set<W>();

  constructor(ranks: number) {
    this.#ranks = Array.from({ length: ranks }, () => new Map<string, FairQueue<W, W>>());
  }

  get size(): number {
    return this.#all.size;
  }

  /** The number of waiting pieces of work of the tenant, of all ranks. */
  sizeOf(tenant: string): number {
    let size = 0;
    for (const tenants of this.#ranks) size += tenants.get(tenant)?.size ?? 0;
    return size;
  }

  has(work: W): boolean {
    return this.#all.has(work);
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
    let queue = tenants.get(tenant);
    if (queue === undefined) tenants.set(tenant, (queue = new FairQueue<W, W>()));
    queue.set(work.group, work, work);
  }

  removeTenant(work: W, tenant: string): void {
    const tenants = this.#tenantsOf(work);
    const queue = tenants.get(tenant);
    queue?.delete(work.group, work);
    if (queue?.size === 0) tenants.delete(tenant);
  }

  remove(work: W): void {
    this.#all.delete(work);
    for (const tenant of work.tenants) this.removeTenant(work, tenant);
  }

  /**
   * Removes and returns the work to start next: of the lowest rank that has work with free slots, that of the tenant that uses
   * the smallest share.
   */
  takeNext(hasRoom: (work: W) => boolean, shareOf: (tenant: string, work: W) => number): W | undefined {
    for (const tenants of this.#ranks) {
      let best: { readonly tenant: string; readonly work: W; readonly share: number } | undefined;
      for (const [tenant, queue] of tenants) {
        const work = queue.find(hasRoom);
        if (work === undefined) continue;
        const share = shareOf(tenant, work);
        if (best === undefined || share < best.share) best = { tenant, work, share };
      }
      if (best !== undefined) return this.#take(best.tenant, best.work);
    }
    return undefined;
  }

  /** The oldest work of each tenant and group with a rank below `rank`: at most `maxTenants` tenants, those with the smallest share first. */
  heads(rank: number, maxTenants: number, shareOf: (tenant: string) => number): readonly W[] {
    const heads: W[] = [];
    for (const tenants of this.#ranks.slice(0, rank)) {
      const smallest = [...tenants]
        .map(([tenant, queue]) => ({ queue, share: shareOf(tenant) }))
        .sort((a, b) => a.share - b.share);
      for (const { queue } of smallest.slice(0, maxTenants)) heads.push(...queue.heads(maxTenants));
    }
    return heads;
  }

  #take(tenant: string, work: W): W {
    const tenants = this.#tenantsOf(work);
    const queue = tenants.get(tenant);
    queue?.take((candidate) => candidate === work);
    tenants.delete(tenant);
    if (queue !== undefined && queue.size > 0) tenants.set(tenant, queue);
    this.remove(work);
    return work;
  }

  #tenantsOf({ rank }: W): Map<string, FairQueue<W, W>> {
    const tenants = this.#ranks[rank];
    if (tenants === undefined) throw new TypeError(`unknown rank ${rank}`);
    return tenants;
  }
}
