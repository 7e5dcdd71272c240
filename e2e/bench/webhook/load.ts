import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from './connection.ts';

export interface Target {
  readonly port: number;
  readonly ca: string;
  readonly body: Buffer;
}

export interface Throughput {
  readonly answers: number;
  readonly perSecond: number;
}

/** Opens connections, each of which sends the next request as soon as its previous request is answered. */
export async function closedLoop(target: Target, connections: number, durationMs: number): Promise<Throughput> {
  const all = await open(target, connections);
  const end = performance.now() + durationMs;
  const startedAt = performance.now();
  const counts = await Promise.all(
    all.map(async (connection) => {
      let count = 0;
      for (; performance.now() < end; count += 1) await connection.send();
      return count;
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  for (const connection of all) connection.close();
  const answers = counts.reduce((sum, count) => sum + count, 0);
  return { answers, perSecond: answers / seconds };
}

/**
 * Sends requests at a fixed rate, even if earlier requests have no response yet. Returns latencies in milliseconds.
 * Each latency begins at the time at which its request was due, so a stall counts for every request that was due during
 * the stall.
 */
export async function openLoop(
  target: Target,
  connections: number,
  perSecond: number,
  durationMs: number,
): Promise<readonly number[]> {
  const idle = await open(target, connections);
  const all = [...idle];
  const latencies: number[] = [];
  const due: number[] = [];
  const send = async (connection: Connection, dueAt: number): Promise<void> => {
    await connection.send();
    latencies.push(performance.now() - dueAt);
    const next = due.shift();
    if (next === undefined) idle.push(connection);
    else await send(connection, next);
  };
  const pending: Promise<void>[] = [];
  const startedAt = performance.now();
  const count = Math.floor((durationMs / 1000) * perSecond);
  for (let sent = 0; sent < count;) {
    const dueAt = startedAt + (sent * 1000) / perSecond;
    const now = performance.now();
    if (dueAt > now) {
      await sleep(Math.max(1, dueAt - now));
      continue;
    }
    sent += 1;
    // Use the connections in turn, because the server closes a connection that sends no first request.
    const connection = idle.shift();
    if (connection === undefined) due.push(dueAt);
    else pending.push(send(connection, dueAt));
  }
  await Promise.all(pending);
  for (const connection of all) connection.close();
  return latencies;
}

/** Returns a quantile of the numbers: `share` is between 0 and 1. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function open({ port, ca, body }: Target, connections: number): Promise<Connection[]> {
  return Promise.all(Array.from({ length: connections }, () => Connection.open(port, ca, body)));
}
