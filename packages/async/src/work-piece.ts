import type { PoolSize, SlotHolder, SlotPool } from './slot-pool.ts';

export interface WorkRequest<P extends string> {
  /** Identifies the work. Calls with the same key share it. */
  readonly key: string;
  readonly priority: P;
  readonly tenant: string;
  /** The waiting work of one tenant is served round-robin by group. */
  readonly group: string;
  /** Whether the work ranks as before when no caller waits for it, because callers only start it and use its result later. */
  readonly isKept: boolean;
  /** Returns the pools in which the work needs a slot, besides the one of all work. It is called whenever the work could start. */
  readonly pools: () => readonly PoolSize[];
}

/** @param signal aborts when the work has to yield */
export type StartWork<T> = (signal: AbortSignal) => Promise<T>;

/** A piece of work in progress or waiting. */
export interface Piece<T> extends SlotHolder {
  readonly key: string;
  readonly group: string;
  readonly tenants: Set<string>;
  /** The rank while a caller waits. */
  readonly priorityRank: number;
  rank: number;
  readonly isKept: boolean;
  readonly pools: () => readonly PoolSize[];
  lane: string;
  readonly start: StartWork<T>;
  /** The number of calls of each tenant. */
  readonly callers: Map<string, number>;
  readonly result: Promise<T>;
  readonly settle: (run: Promise<T>) => void;
  startedAtMs: number;
  running: { readonly abort: AbortController; readonly pools: readonly SlotPool<Piece<T>>[] } | undefined;
}

/** @param priorityRank the position of its priority, 0 for the most urgent one */
export function createPiece<T>(
  { key, group, isKept, pools }: Omit<WorkRequest<string>, 'tenant' | 'priority'>,
  priorityRank: number,
  start: StartWork<T>,
): Piece<T> {
  let settle: Piece<T>['settle'] = () => undefined;
  const result = new Promise<T>((resolve) => {
    settle = resolve;
  });
  // Work without callers may fail.
  result.catch(() => undefined);
  return {
    ...{ key, group, isKept, pools, start, result, settle, priorityRank, rank: priorityRank },
    ...{ tenants: new Set<string>(), callers: new Map<string, number>(), lane: '', startedAtMs: 0, running: undefined },
  };
}
