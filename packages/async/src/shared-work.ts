import { startTimer } from './clock.ts';
import type { Clock } from './clock.ts';
import { SlotPool } from './slot-pool.ts';
import type { PreemptionTimes } from './slot-pool.ts';
import { WaitingWork } from './waiting-work.ts';
import { createPiece } from './work-piece.ts';
import type { Piece, StartWork, WorkRequest } from './work-piece.ts';

export interface SharedWorkOptions<P extends string> {
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>;
  /** The classes of work, the most urgent first. */
  readonly priorities: readonly P[];
  /** Maximum number of pieces of work in progress at the same time. */
  readonly maxRunning: number;
  readonly maxWaiting: number;
  readonly maxWaitingPerTenant: number;
  readonly preemption: PreemptionTimes;
}

/** Work that a call has joined. */
export interface JoinedWork<T> {
  readonly result: Promise<T>;
  /** Ends the call's interest in the result. To be called once. */
  leave(): void;
}

/** How often it is checked whether running work has to yield its slot to waiting work. */
const CHECK_MS = 250;
/** How many tenants, groups of each, and pieces of work of a group are checked at a time. */
const MAX_CHECKED = 64;

/**
 * Runs work that callers of several tenants share, within limits that are divided between the tenants. Work for the same
 * key runs once and belongs to all tenants that wait for it. A tenant may use all slots while no other one waits. While
 * one waits, work of the tenant that uses most is aborted and waits again, and work without callers is aborted. So a
 * tenant whose work hangs delays others by less than a second.
 */
export class SharedWork<P extends string, T> {
  readonly #options: SharedWorkOptions<P>;
  readonly #pieces = new Map<string, Piece<T>>();
  readonly #waiting: WaitingWork<Piece<T>>;
  readonly #all = new SlotPool<Piece<T>>('all');
  /** The other pools, by name. No pool is empty. */
  readonly #pools = new Map<string, SlotPool<Piece<T>>>();
  /** The sizes of the pools that are lanes of waiting work. */
  readonly #laneSizes = new Map<string, number>();
  #isChecking = false;

  constructor(options: SharedWorkOptions<P>) {
    this.#options = options;
    // The last rank is that of work without callers.
    this.#waiting = new WaitingWork(options.priorities.length + 1);
  }

  /**
   * Joins the work of this key. If there is none, starts it as soon as its slots are free. Returns undefined if too much
   * work waits. The signal that `start` gets aborts when the work has to yield; if callers wait for it, it is started
   * again later.
   */
  join(request: WorkRequest<P>, start: StartWork<T>): JoinedWork<T> | undefined {
    const { key, tenant } = request;
    const existing = this.#pieces.get(key);
    if (existing !== undefined) return this.#joinPiece(existing, tenant);
    const piece = createPiece(request, this.#options.priorities.indexOf(request.priority), start);
    const hasRoom = this.#hasRoom(piece);
    if (!hasRoom && !this.#makeRoomToWait(tenant)) return undefined;
    this.#pieces.set(key, piece);
    const joined = this.#joinPiece(piece, tenant);
    if (hasRoom) this.#run(piece);
    else this.#enqueue(piece);
    return joined;
  }

  /** To be called when the pools of a group's work have changed. */
  regroup(group: string): void {
    for (const piece of this.#waiting.ofGroup(group)) {
      this.#waiting.remove(piece);
      this.#wait(piece);
    }
    this.#startWaiting();
  }

  /** Whether there is work for the key. */
  has(key: string): boolean {
    return this.#pieces.has(key);
  }

  /** Returns whether work of the tenant may wait. In a full queue, it takes the place of work for which no caller waits. */
  #makeRoomToWait(tenant: string): boolean {
    const { maxWaiting, maxWaitingPerTenant, priorities } = this.#options;
    const isOwnFull = this.#waiting.sizeOf(tenant) >= maxWaitingPerTenant;
    if (!isOwnFull && this.#waiting.size < maxWaiting) return true;
    const surplus = this.#waiting.findSurplus(priorities.length, isOwnFull ? tenant : undefined);
    if (surplus === undefined) return false;
    this.#waiting.remove(surplus);
    this.#pieces.delete(surplus.key);
    return true;
  }

  #joinPiece(piece: Piece<T>, tenant: string): JoinedWork<T> {
    if (piece.callers.size === 0 && piece.tenants.size > 0) this.#setAbandoned(piece, false, tenant);
    piece.callers.set(tenant, (piece.callers.get(tenant) ?? 0) + 1);
    this.#addTenant(piece, tenant);
    return {
      result: piece.result,
      leave: () => {
        this.#leave(piece, tenant);
      },
    };
  }

  #addTenant(piece: Piece<T>, tenant: string): void {
    if (piece.tenants.has(tenant)) return;
    piece.tenants.add(tenant);
    if (this.#waiting.has(piece)) this.#waiting.addTenant(piece, tenant);
    for (const pool of piece.running?.pools ?? []) pool.addTenant(piece, tenant);
  }

  #leave(piece: Piece<T>, tenant: string): void {
    const calls = (piece.callers.get(tenant) ?? 0) - 1;
    if (calls > 0) {
      piece.callers.set(tenant, calls);
      return;
    }
    if (piece.isKept) return;
    piece.callers.delete(tenant);
    if (piece.callers.size === 0) this.#setAbandoned(piece, true, tenant);
    else this.#removeTenant(piece, tenant);
  }

  #removeTenant(piece: Piece<T>, tenant: string): void {
    if (this.#waiting.has(piece)) this.#waiting.removeTenant(piece, tenant);
    for (const pool of piece.running?.pools ?? []) pool.removeTenant(piece, tenant);
    piece.tenants.delete(tenant);
  }

  /** Changes the rank of work that has lost its last caller, or has got one again. */
  #setAbandoned(piece: Piece<T>, isAbandoned: boolean, tenant: string): void {
    const isWaiting = this.#waiting.has(piece);
    if (isWaiting) this.#waiting.remove(piece);
    piece.rank = isAbandoned ? this.#options.priorities.length : piece.priorityRank;
    if (!isAbandoned) for (const former of [...piece.tenants]) if (former !== tenant) this.#removeTenant(piece, former);
    if (isWaiting) this.#wait(piece);
    for (const pool of piece.running?.pools ?? []) pool.markAbandoned(piece, isAbandoned);
  }

  #enqueue(piece: Piece<T>): void {
    if (this.#preemptFor(piece)) {
      this.#run(piece);
      this.#startWaiting();
    } else {
      this.#wait(piece);
    }
    this.#checkLater();
  }

  #wait(piece: Piece<T>): void {
    const shared = piece.pools().find(({ isShared }) => isShared);
    piece.lane = shared?.name ?? '';
    if (shared !== undefined) this.#laneSizes.set(shared.name, shared.size);
    this.#waiting.add(piece);
  }

  #hasRoom({ pools }: Piece<T>): boolean {
    if (this.#all.used >= this.#options.maxRunning) return false;
    return pools().every(({ name, size }) => (this.#pools.get(name)?.used ?? 0) < size);
  }

  #run(piece: Piece<T>): void {
    const pools = [this.#all, ...piece.pools().map(({ name }) => this.#pool(name))];
    const abort = new AbortController();
    piece.running = { abort, pools };
    piece.startedAtMs = this.#options.clock.monotonic();
    for (const pool of pools) pool.add(piece);
    const isAbandoned = piece.callers.size === 0;
    if (isAbandoned) for (const pool of pools) pool.markAbandoned(piece, true);
    const run = new Promise<T>((resolve) => {
      resolve(piece.start(abort.signal));
    });
    const end = (): void => {
      if (piece.running?.abort !== abort) return;
      this.#release(piece);
      this.#pieces.delete(piece.key);
      piece.settle(run);
      this.#startWaiting();
    };
    run.then(end, end);
  }

  #release(piece: Piece<T>): void {
    for (const pool of piece.running?.pools ?? []) {
      pool.remove(piece);
      if (pool.used === 0) this.#pools.delete(pool.name);
    }
    piece.running = undefined;
  }

  #startWaiting(): void {
    while (this.#all.used < this.#options.maxRunning) {
      const next = this.#waiting.takeNext({
        isLaneFull: (lane) =>
          (this.#pools.get(lane)?.used ?? 0) >= (this.#laneSizes.get(lane) ?? Number.POSITIVE_INFINITY),
        hasRoom: (piece) => this.#hasRoom(piece),
        shareOf: (tenant, piece) => this.#shareOf(tenant, piece),
      });
      if (next === undefined) return;
      this.#run(next);
    }
  }

  /** The largest share that the tenant uses of the pools of which the work would take the last slot. */
  #shareOf(tenant: string, { pools }: Piece<T>): number {
    let share = 0;
    const compare = (pool: SlotPool<Piece<T>> | undefined, size: number): void => {
      if (pool !== undefined && pool.used + 1 >= size) share = Math.max(share, pool.usedBy(tenant) / size);
    };
    compare(this.#all, this.#options.maxRunning);
    for (const { name, size } of pools()) compare(this.#pools.get(name), size);
    return share;
  }

  /** Makes room for waiting work, if other work has to yield. Returns whether it has room now. */
  #preemptFor(piece: Piece<T>): boolean {
    const { clock, preemption, maxRunning } = this.#options;
    const nowMs = clock.monotonic();
    const full = piece.pools().flatMap(({ name, size }) => {
      const pool = this.#pools.get(name);
      return pool !== undefined && pool.used >= size ? [pool] : [];
    });
    const victims = new Set<Piece<T>>();
    for (const pool of this.#all.used >= maxRunning ? [this.#all, ...full] : full) {
      if ([...victims].some((victim) => victim.running?.pools.includes(pool) === true)) continue;
      const victim = pool.findVictim(piece, nowMs, preemption);
      if (victim === undefined) return false;
      victims.add(victim);
    }
    for (const victim of victims) this.#preempt(victim);
    return true;
  }

  /** Aborts work in progress. It waits again if a caller waits for it. */
  #preempt(piece: Piece<T>): void {
    const abort = piece.running?.abort;
    this.#release(piece);
    if (piece.callers.size > 0) this.#wait(piece);
    else this.#pieces.delete(piece.key);
    abort?.abort();
  }

  #checkLater(): void {
    if (this.#isChecking || !this.#waiting.isWaitingBelow(this.#options.priorities.length)) return;
    this.#isChecking = true;
    startTimer(this.#options.clock, CHECK_MS, () => {
      this.#isChecking = false;
      this.#check();
      this.#checkLater();
    });
  }

  #check(): void {
    for (let rounds = 0; rounds < MAX_CHECKED && this.#checkHeads(); rounds += 1);
  }

  /** Makes room for the oldest waiting work of each tenant and group. Returns whether any other work had to yield. */
  #checkHeads(): boolean {
    let hasChanged = false;
    const shareOf = (tenant: string): number => this.#all.usedBy(tenant);
    for (const piece of this.#waiting.heads(this.#options.priorities.length, MAX_CHECKED, shareOf)) {
      if (!this.#waiting.has(piece) || !this.#preemptFor(piece)) continue;
      this.#waiting.remove(piece);
      this.#run(piece);
      hasChanged = true;
    }
    if (hasChanged) this.#startWaiting();
    return hasChanged;
  }

  #pool(name: string): SlotPool<Piece<T>> {
    let pool = this.#pools.get(name);
    if (pool === undefined) this.#pools.set(name, (pool = new SlotPool(name)));
    return pool;
  }
}
