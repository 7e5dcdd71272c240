/** A number of slots that some work shares. */
export interface PoolSize {
  readonly name: string;
  readonly size: number;
  /** Whether work of several groups needs a slot of this pool. */
  readonly isShared?: boolean;
}

/** Work that holds slots. */
export interface SlotHolder {
  /** The tenants that wait for the work. If none waits, the last one that did. */
  readonly tenants: ReadonlySet<string>;
  /** The urgency: 0 is the most urgent. */
  readonly rank: number;
  /** Monotonic milliseconds. */
  readonly startedAtMs: number;
}

/** The work that waits for a slot. */
export interface SlotSeeker {
  readonly tenants: ReadonlySet<string>;
  readonly rank: number;
}

export interface PreemptionTimes {
  /**
   * How long work of a tenant with more than its share is left running, milliseconds. Most work ends by itself within
   * this time.
   */
  readonly overShareMs: number;
  /**
   * How long work for which no caller waits is left running although its tenant is within its share, milliseconds.
   * Longer, so that the results of a slow dependency arrive at all.
   */
  readonly abandonedMs: number;
}

/** How much of the work without callers is checked, so that the choice takes a bounded time. */
const MAX_CHECKED = 16;

/** The work in progress that shares a number of slots, counted by tenant. */
export class SlotPool<H extends SlotHolder> {
  readonly #holders = new Set<H>();
  /** Each set is in the order of the starts. No set is empty. */
  readonly #byTenant = new Map<string, Set<H>>();
  readonly #abandoned = new Set<H>();
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  get used(): number {
    return this.#holders.size;
  }

  /** The number of slots that work of the tenant holds. */
  usedBy(tenant: string): number {
    return this.#byTenant.get(tenant)?.size ?? 0;
  }

  add(holder: H): void {
    this.#holders.add(holder);
    for (const tenant of holder.tenants) this.addTenant(holder, tenant);
  }

  remove(holder: H): void {
    this.#holders.delete(holder);
    this.#abandoned.delete(holder);
    for (const tenant of holder.tenants) this.removeTenant(holder, tenant);
  }

  addTenant(holder: H, tenant: string): void {
    const ofTenant = this.#byTenant.get(tenant);
    if (ofTenant === undefined) this.#byTenant.set(tenant, new Set([holder]));
    else ofTenant.add(holder);
  }

  removeTenant(holder: H, tenant: string): void {
    const ofTenant = this.#byTenant.get(tenant);
    ofTenant?.delete(holder);
    if (ofTenant?.size === 0) this.#byTenant.delete(tenant);
  }

  /** Records whether any caller waits for the work. */
  markAbandoned(holder: H, isAbandoned: boolean): void {
    if (isAbandoned) this.#abandoned.add(holder);
    else this.#abandoned.delete(holder);
  }

  /**
   * Returns the work that has to yield its slot to the seeker, if any. It is work of the tenant that holds the most slots,
   * if that tenant keeps at least as many as the seeker's tenant then has: the work with the least progress. Otherwise it
   * is work for which no caller waits. Work that is more urgent than the seeker, or has just started, keeps its slot.
   */
  findVictim(seeker: SlotSeeker, nowMs: number, { overShareMs, abandonedMs }: PreemptionTimes): H | undefined {
    const own = Math.min(...[...seeker.tenants].map((tenant) => this.usedBy(tenant)));
    const isOverShare = ({ tenants }: H): boolean => [...tenants].every((tenant) => this.usedBy(tenant) > own + 1);
    const mayYield = ({ rank, startedAtMs }: H, afterMs: number): boolean =>
      rank >= seeker.rank && nowMs - startedAtMs >= afterMs;
    const largest = this.#largest();
    if (largest.size > own + 1) {
      let youngest: H | undefined;
      for (const holder of largest) if (mayYield(holder, overShareMs) && isOverShare(holder)) youngest = holder;
      if (youngest !== undefined) return youngest;
    }
    let checked = 0;
    for (const holder of this.#abandoned) {
      if (mayYield(holder, abandonedMs)) return holder;
      checked += 1;
      if (checked >= MAX_CHECKED) return undefined;
    }
    return undefined;
  }

  #largest(): ReadonlySet<H> {
    let largest: ReadonlySet<H> = new Set();
    for (const holders of this.#byTenant.values()) if (holders.size > largest.size) largest = holders;
    return largest;
  }
}
