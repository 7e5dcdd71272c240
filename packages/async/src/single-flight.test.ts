import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SingleFlight } from './single-flight.ts';

describe('single flight', () => {
  test('never runs two for one key, and every caller gets the result of the work that it joined', async () => {
    const step = fc.record({ key: fc.constantFrom('a', 'b', 'c'), ends: fc.boolean(), fails: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const singleFlight = new SingleFlight<number>();
        const running = new Map<string, { readonly id: number; readonly end: (fails: boolean) => void }>();
        const answers: Promise<void>[] = [];
        let started = 0;
        const start = (key: string) => (): Promise<number> => {
          expect(running.has(key)).toBe(false);
          const id = started++;
          return new Promise((resolve, reject) => {
            const end = (fails: boolean): void => {
              if (fails) reject(new Error(String(id)));
              else resolve(id);
            };
            running.set(key, { id, end });
          });
        };
        const end = async (key: string, fails: boolean): Promise<void> => {
          running.get(key)?.end(fails);
          running.delete(key);
          await new Promise(setImmediate);
        };
        for (const { key, ends, fails } of steps) {
          if (ends) await end(key, fails);
          const work = singleFlight.do(key, start(key));
          expect(singleFlight.get(key)).toBe(work);
          const joined = running.get(key)?.id;
          answers.push(
            work
              .catch((error: unknown) => Number((error as Error).message))
              .then((id) => {
                expect(id).toBe(joined);
              }),
          );
        }
        for (const key of [...running.keys()]) await end(key, false);
        await Promise.all(answers);
        expect(['a', 'b', 'c'].map((key) => singleFlight.get(key))).toEqual([undefined, undefined, undefined]);
      }),
      { numRuns: 50 },
    );
  });
});
