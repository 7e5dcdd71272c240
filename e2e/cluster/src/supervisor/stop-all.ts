import { setTimeout as sleep } from 'node:timers/promises';
import type { ComponentName } from '../component/component.ts';
import type { Running } from './runner.ts';

/**
 * Components that need time to end in order: the webhook drains for one second, and the operator releases its Lease.
 */
const graceful: ReadonlySet<ComponentName> = new Set(['webhook', 'operator']);
const GRACE_MILLISECONDS = 4_000;

/**
 * Stops the processes. First stops webhook and operator by SIGTERM, while their dependencies still serve. Then kills
 * all processes by SIGKILL. The other components need no graceful end, because their data is deleted.
 */
export async function stopAll(running: ReadonlyMap<ComponentName, Running>): Promise<void> {
  const alive = [...running].filter(([, { child }]) => child.exit() === undefined);
  const first = alive.filter(([name]) => graceful.has(name)).map(([, { child }]) => child);
  for (const child of first) child.kill('SIGTERM');
  if (first.length > 0) {
    const timer = new AbortController();
    const bound = sleep(GRACE_MILLISECONDS, undefined, { signal: timer.signal }).catch(() => undefined);
    await Promise.race([Promise.all(first.map(({ exited }) => exited)), bound]);
    timer.abort();
  }
  for (const [, { child }] of alive) child.kill('SIGKILL');
  await Promise.all(alive.map(([, { child }]) => child.exited));
}
