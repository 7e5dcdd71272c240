import { expect, test } from '@jest/globals';
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import type { PodFacts } from '@archpolicy/core';
import { podKey } from '@archpolicy/cluster-view';
import { FakeClock } from '@archpolicy/testkit';
import { crashLoopingPod, policy, silent } from '../fixtures/objects.ts';
import { OverdueGates } from './overdue-gates.ts';

const PODS = 20_000;
/** Some microseconds each, so a slice is far below 50 ms. */
const MAX_PER_SLICE = 1_000;

/** The ports of which a check of gates that are not overdue needs no more. */
const unused = (): never => {
  throw new Error('no gate is overdue');
};

test('P8 PL12 a check of many gated pods yields to the event loop after at most a thousand', async () => {
  let checked = 0;
  let selected = 0;
  const all: (readonly [string, PodFacts])[] = [];
  for (let at = 0; at < PODS; at += 1) {
    const pod = crashLoopingPod(`web-${at}`, { schedulingGates: ['archpolicy.dev/inspecting'] });
    all.push([podKey(pod), pod]);
  }
  function* entries(): Generator<readonly [string, PodFacts]> {
    for (const entry of all) {
      checked += 1;
      yield entry;
    }
  }
  const policies = [policy({ gateTimeout: '10m' })];
  const clock = new FakeClock();
  const end = new AbortController();
  const running = new OverdueGates({
    api: { request: unused },
    view: {
      pods: { entries },
      policies: { list: () => policies },
      namespaces: {
        get: (name) => {
          selected += 1;
          return { name, labels: {}, annotations: {} };
        },
      },
    },
    metrics: { overdue: unused },
    clock,
    logger: silent,
  }).run(end.signal);
  const slices: number[] = [];
  while (checked < 6 * PODS) {
    const before = checked;
    await yieldToEventLoop();
    slices.push(checked - before);
    if (checked % PODS === 0) await clock.advance(20_000);
  }
  end.abort();
  await running;
  expect(Math.max(...slices)).toBeLessThanOrEqual(MAX_PER_SLICE);
  // The later checks selected the policy of each pod.
  expect(selected).toBeGreaterThan(PODS);
});
