import { setTimeout as sleep } from 'node:timers/promises';
import type { ComponentName } from '../component/component.ts';
import type { Running } from './runner.ts';

/** Ours end by themselves: the webhook drains for a second, the operator gives its Lease back. */
const graceful: ReadonlySet<ComponentName> = new Set(['webhook', 'operator']);
const GRACE_MILLISECONDS = 4_000;

/**
 * Ends the processes: ours by SIGTERM while what they talk to still serves, then everything by SIGKILL. Nothing else
 * needs a graceful end: what it would save is thrown away.
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
