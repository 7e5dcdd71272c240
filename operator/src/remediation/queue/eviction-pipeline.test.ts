import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { EvictionPipeline } from './eviction-pipeline.ts';
import type { Done } from './eviction-pipeline.ts';

/** Starts a pipeline whose evictions the test ends. */
const start = ({ areAllEvaluated = true } = {}) => {
  const clock = new FakeClock();
  const ending = new AbortController();
  const evaluated: string[] = [];
  const evicting = new Map<string, PromiseWithResolvers<Done>>();
  const failed: string[] = [];
  const due = new Set<string>();
  const pipeline = new EvictionPipeline(clock);
  if (areAllEvaluated) pipeline.startEvictions();
  const running = pipeline.run(
    {
      evaluate: (key) => {
        evaluated.push(key);
        return Promise.resolve({ kind: due.delete(key) ? 'evict' : 'done' });
      },
      evict: (key) => {
        const eviction = Promise.withResolvers<Done>();
        evicting.set(key, eviction);
        return eviction.promise;
      },
      failed: (key) => failed.push(key),
    },
    ending.signal,
  );
  const end = async (): Promise<void> => {
    ending.abort();
    for (const { resolve } of evicting.values()) resolve({ kind: 'done' });
    await running;
  };
  return { clock, pipeline, evaluated, evicting, failed, due, end };
};

const yieldSeveralTimes = async (): Promise<void> => {
  for (let index = 0; index < 5; index += 1) await new Promise(setImmediate);
};

describe('evaluations and evictions', () => {
  test.each(['all pods have been evaluated', 'half a second has passed'])(
    'R6 evictions start when %s',
    async (when) => {
      const { clock, pipeline, evicting, due, end } = start({ areAllEvaluated: false });
      due.add('a');
      pipeline.enqueue('a');
      await yieldSeveralTimes();
      expect([...evicting.keys()]).toEqual([]);
      if (when === 'half a second has passed') await clock.advance(500);
      else pipeline.startEvictions();
      await yieldSeveralTimes();
      expect([...evicting.keys()]).toEqual(['a']);
      await end();
    },
  );

  test('R6 evictions that wait for the API server do not delay evaluations', async () => {
    const { pipeline, evaluated, evicting, due, end } = start();
    const misplaced = Array.from({ length: 100 }, (_, at) => `pod-${at}`);
    for (const key of misplaced) due.add(key);
    for (const key of [...misplaced, 'last']) pipeline.enqueue(key);
    await yieldSeveralTimes();
    expect(evaluated).toEqual([...misplaced, 'last']);
    expect([...evicting.keys()]).toEqual(misplaced.slice(0, 64));
    await end();
  });

  test('P3 a pod is not evaluated while its eviction is in progress; one that was enqueued meanwhile is evaluated afterwards', async () => {
    const { pipeline, evaluated, evicting, due, end } = start();
    due.add('a');
    pipeline.enqueue('a');
    await yieldSeveralTimes();
    pipeline.enqueue('a');
    await yieldSeveralTimes();
    expect(evaluated).toEqual(['a']);
    evicting.get('a')?.resolve({ kind: 'done' });
    await yieldSeveralTimes();
    expect(evaluated).toEqual(['a', 'a']);
    await end();
  });

  test('R8 a retry after a delay begins with an evaluation', async () => {
    const { clock, pipeline, evaluated, evicting, due, end } = start();
    due.add('a');
    pipeline.enqueue('a');
    await yieldSeveralTimes();
    evicting.get('a')?.resolve({ kind: 'evaluate', afterMs: 10_000 });
    await yieldSeveralTimes();
    expect(evaluated).toEqual(['a']);
    await clock.advance(10_000);
    await yieldSeveralTimes();
    expect(evaluated).toEqual(['a', 'a']);
    await end();
  });

  test('R8 an eviction that throws is reported and retried, and the pod is not evaluated in between', async () => {
    const { clock, pipeline, evaluated, evicting, failed, due, end } = start();
    due.add('a');
    pipeline.enqueue('a');
    await yieldSeveralTimes();
    const first = evicting.get('a');
    first?.reject(new Error('the API server is unreachable'));
    await yieldSeveralTimes();
    pipeline.enqueue('a');
    await yieldSeveralTimes();
    expect({ failed, evaluated }).toEqual({ failed: ['a'], evaluated: ['a'] });
    await clock.advance(200);
    await yieldSeveralTimes();
    expect(evicting.get('a')).not.toBe(first);
    evicting.get('a')?.resolve({ kind: 'done' });
    await yieldSeveralTimes();
    expect(evaluated).toEqual(['a', 'a']);
    await end();
  });
});
