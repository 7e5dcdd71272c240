import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '@archpolicy/e2e';
import type { ConnectionFault, FaultProxy } from '@archpolicy/testkit';
import type { OperatorProcess } from '../../support/operator-process.ts';
import type { SoakWorld } from './soak-world.ts';

/** A fault that begins, lasts for a while, and is over when its function resolves. */
export interface SoakFault {
  readonly name: string;
  /** Whether it ends an operator. */
  readonly endsOperator?: boolean;
  readonly run: (world: SoakWorld, durationMs: number) => Promise<void>;
}

const END_TIMEOUT_MS = 60_000;

/** Sets a fault of a proxy for a while. */
function during(proxy: (world: SoakWorld) => FaultProxy, fault: ConnectionFault): SoakFault['run'] {
  return async (world, durationMs) => {
    await proxy(world).set(fault);
    await sleep(durationMs);
    await proxy(world).set({ kind: 'none' });
  };
}

/** Does something to the leader, waits until it has ended or for a while, and replaces what has ended. */
function toLeader(act: (leader: OperatorProcess, durationMs: number) => Promise<void>): SoakFault['run'] {
  return async (world, durationMs) => {
    const leader = await world.leader();
    if (leader === undefined) return;
    await act(leader, durationMs);
    await world.replaceOperators();
  };
}

const registry = (world: SoakWorld): FaultProxy => world.registry;
const redis = (world: SoakWorld): FaultProxy => world.redisProxy;

const FAULTS: readonly SoakFault[] = [
  { name: 'registry refuses', run: during(registry, { kind: 'refuse' }) },
  { name: 'registry is silent', run: during(registry, { kind: 'black-hole' }) },
  { name: 'registry is slow', run: during(registry, { kind: 'delay', ms: 700 }) },
  { name: 'registry cuts its answers', run: during(registry, { kind: 'cut', afterBytes: 200 }) },
  { name: 'Redis refuses', run: during(redis, { kind: 'refuse' }) },
  { name: 'Redis is silent', run: during(redis, { kind: 'black-hole' }) },
  { name: 'Redis loses its keys', run: (world) => world.redis.flush() },
  {
    name: 'Redis is killed',
    run: async (world, durationMs) => {
      await world.redis.stop();
      await sleep(durationMs);
      await world.redis.start();
    },
  },
  {
    name: 'a webhook is killed',
    run: async (world) => {
      world.spare.send('SIGKILL');
      await world.replaceSpare();
    },
  },
  {
    name: 'a webhook is stopped',
    run: async (world) => {
      world.spare.send('SIGTERM');
      await world.replaceSpare();
    },
  },
  {
    name: 'a webhook pauses',
    run: async (world, durationMs) => {
      world.spare.send('SIGSTOP');
      await sleep(durationMs);
      world.spare.send('SIGCONT');
    },
  },
  {
    name: 'no webhook can be reached',
    run: async (world, durationMs) => {
      world.service.route([]);
      // Long enough for some deployments whose pods must be evicted.
      await sleep(2 * durationMs);
      world.service.route([world.steady, world.spare]);
    },
  },
  {
    name: 'the leader is killed',
    endsOperator: true,
    run: toLeader((leader) => end(leader, 'SIGKILL')),
  },
  {
    name: 'the leader is stopped',
    endsOperator: true,
    run: toLeader((leader) => end(leader, 'SIGTERM')),
  },
  {
    name: 'the leader pauses for 20 s',
    endsOperator: true,
    run: toLeader(async (leader) => {
      leader.send('SIGSTOP');
      await sleep(20_000);
      leader.send('SIGCONT');
    }),
  },
  {
    name: 'the leader is cut off from the API server',
    endsOperator: true,
    run: toLeader(async (leader, durationMs) => {
      await leader.network.set({ kind: 'black-hole' });
      await sleep(2 * durationMs);
      await leader.network.set({ kind: 'none' });
    }),
  },
  { name: 'the API server is killed', run: (world) => world.restartApiServer() },
];

/** Returns all faults of a soak. */
export function listFaults(): readonly SoakFault[] {
  return FAULTS;
}

async function end(leader: OperatorProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  leader.send(signal);
  await waitFor(() => leader.hasEnded, { timeoutMs: END_TIMEOUT_MS, what: 'the leader to end' });
}
