import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import type { ReconcileResult } from '@archpolicy/kube';
import { Stages } from './eviction-pipeline.ts';

/** Stages whose evictions end when told, and what was done in them. */
const start = ({ firstPassDone = true } = {}) => {
  const clock = new FakeClock();
  const ending = new AbortController();
  const looked: string[] = [];
  const evicting = new Map<string, PromiseWithResolvers<ReconcileResult>>();
  const failed: string[] = [];
  const due = new Set<string>();
  const stages: Stages = new Stages({
    clock,
    look: (key) => {
      looked.push(key);
      if (due.delete(key)) stages.evict(key);
      return Promise.resolve({});
    },
    evict: (key) => {
      const eviction = Promise.withResolvers<ReconcileResult>();
      evicting.set(key, eviction);
      return eviction.promise;
    },
    observer: { failed: (key) => failed.push(key) },
  });
  if (firstPassDone) stages.firstPassDone();
  const running = stages.run(ending.signal);
  const end = async (): Promise<void> => {
    ending.abort();
    for (const { resolve } of evicting.values()) resolve({});
    await running;
  };
  return { clock, stages, looked, evicting, failed, due, end };
};

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
};

describe('looks and evictions', () => {
  test.each(['all pods have been looked at', 'half a second has passed'])(
    'R6 evictions begin when %s',
    async (when) => {
      const { clock, stages, evicting, due, end } = start({ firstPassDone: false });
      due.add('a');
      stages.look('a');
      await turns();
      expect([...evicting.keys()]).toEqual([]);
      if (when === 'half a second has passed') await clock.advance(500);
      else stages.firstPassDone();
      await turns();
      expect([...evicting.keys()]).toEqual(['a']);
      await end();
    },
  );

  test('R6 evictions that wait for the API server hold up no look', async () => {
    const { stages, looked, evicting, due, end } = start();
    const misplaced = Array.from({ length: 100 }, (_, at) => `pod-${at}`);
    for (const key of misplaced) due.add(key);
    for (const key of [...misplaced, 'last']) stages.look(key);
    await turns();
    expect(looked).toEqual([...misplaced, 'last']);
    expect([...evicting.keys()]).toEqual(misplaced.slice(0, 16));
    await end();
  });

  test('P3 nobody looks at a pod whose eviction is under way; what was missed is made up for', async () => {
    const { stages, looked, evicting, due, end } = start();
    due.add('a');
    stages.look('a');
    await turns();
    stages.look('a');
    await turns();
    expect(looked).toEqual(['a']);
    evicting.get('a')?.resolve({});
    await turns();
    expect(looked).toEqual(['a', 'a']);
    await end();
  });

  test('R8 what is to be done later begins with a look', async () => {
    const { clock, stages, looked, evicting, due, end } = start();
    due.add('a');
    stages.look('a');
    await turns();
    evicting.get('a')?.resolve({ requeueAfterMs: 10_000 });
    await turns();
    expect(looked).toEqual(['a']);
    await clock.advance(10_000);
    await turns();
    expect(looked).toEqual(['a', 'a']);
    await end();
  });

  test('R8 an eviction that throws is told and tried again, and nobody looks at the pod in between', async () => {
    const { clock, stages, looked, evicting, failed, due, end } = start();
    due.add('a');
    stages.look('a');
    await turns();
    const first = evicting.get('a');
    first?.reject(new Error('the API server is away'));
    await turns();
    stages.look('a');
    await turns();
    expect({ failed, looked }).toEqual({ failed: ['a'], looked: ['a'] });
    await clock.advance(200);
    await turns();
    expect(evicting.get('a')).not.toBe(first);
    evicting.get('a')?.resolve({});
    await turns();
    expect(looked).toEqual(['a', 'a']);
    await end();
  });
});
