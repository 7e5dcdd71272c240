import { setTimeout as delay } from 'node:timers/promises';
import { podTemplate, workload } from '../../support/manifests.ts';
import type { OperatorProcess } from '../../support/operator-process.ts';
import { OperatorSuite } from '../../suites/operator/operator-suite.ts';
import type { Case } from '../../suites/operator/cases.ts';
import type { Figure } from './figures.ts';

const PAUSE_MS = 20_000;

const cases = ['crash', 'clean', 'paused'].map((namespace): Case => ({
  namespaces: [namespace],
  deferred: true,
  objects: ({ arm64 }) => [workload('Deployment', namespace, 'web', podTemplate('web', arm64))],
})) as [Case, Case, Case];

/**
 * Measures the time without evictions after the end of a leader. Also counts the evictions of a leader that was paused
 * for longer than its Lease.
 */
export async function leaderChange(): Promise<readonly Figure[]> {
  const [crash, clean, paused] = cases;
  const suite = new OperatorSuite();
  try {
    await suite.start(cases);
    const first = await suite.startOperator('first');
    await waitForLeader(suite, first);
    const second = await suite.startOperator('second');
    await waitForStandby(suite, second);
    const afterCrash = await secondsToEviction(suite, crash, second, () => {
      first.send('SIGKILL');
    });
    const third = await suite.startOperator('third');
    await waitForStandby(suite, third);
    const afterStop = await secondsToEviction(suite, clean, third, () => {
      second.send('SIGTERM');
    });
    return [
      {
        name: 'from a crash of the leader to the first eviction by the standby',
        unit: 's',
        value: afterCrash,
        max: 20,
      },
      {
        name: 'from a clean stop of the leader to the first eviction by the standby',
        unit: 's',
        value: afterStop,
        max: 3,
      },
      {
        name: 'evictions by a leader after a pause of 20 s',
        unit: 'evictions',
        value: await evictionsAfterPause(suite, paused, third),
        max: 0,
      },
    ];
  } finally {
    await suite.stop();
  }
}

async function secondsToEviction(
  suite: OperatorSuite,
  work: Case,
  next: OperatorProcess,
  end: () => void,
): Promise<number> {
  const begin = performance.now();
  end();
  await suite.enable(work);
  const eviction = await suite.waitFor('the standby to evict', () => next.proxy.evictions[0]);
  return (eviction.at - begin) / 1_000;
}

/**
 * Counts the evictions of a paused leader after it continues. No standby runs, so only the expired Lease can prevent
 * evictions.
 */
async function evictionsAfterPause(suite: OperatorSuite, work: Case, leader: OperatorProcess): Promise<number> {
  leader.send('SIGSTOP');
  await suite.enable(work);
  await delay(PAUSE_MS);
  const before = leader.proxy.evictions.length;
  leader.send('SIGCONT');
  // The leader has lost the Lease and ends. To evict again, a new process would have to acquire the Lease.
  await leader.ended();
  return leader.proxy.evictions.length - before;
}

async function waitForLeader(suite: OperatorSuite, operator: OperatorProcess): Promise<void> {
  await suite.waitFor('an operator to lead', () => operator.isLeading());
}

/** Returns when the standby has filled its caches, so that it only waits for the Lease. */
async function waitForStandby(suite: OperatorSuite, operator: OperatorProcess): Promise<void> {
  await suite.waitFor('the standby to be ready', async () => (await operator.isReady()) || undefined);
}
