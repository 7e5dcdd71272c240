import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Fifo } from './fifo.ts';

test('a FIFO returns what an array would return', () => {
  // Runs of pushes and shifts that are long enough for consumed slots to be cut off.
  const runs = fc.array(fc.record({ pushes: fc.nat({ max: 3_000 }), shifts: fc.nat({ max: 3_000 }) }), {
    maxLength: 6,
  });
  fc.assert(
    fc.property(runs, (script) => {
      const fifo = new Fifo<number>();
      let next = 0;
      let oldest = 0;
      for (const { pushes, shifts } of script) {
        for (let at = 0; at < pushes; at += 1) fifo.push(next++);
        expect(fifo.first).toBe(oldest < next ? oldest : undefined);
        for (let at = 0; at < shifts; at += 1) expect(fifo.shift()).toBe(oldest < next ? oldest++ : undefined);
        expect(fifo.size).toBe(next - oldest);
      }
    }),
    { numRuns: 20 },
  );
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

test('a FIFO does not retain consumed items', async () => {
  const fifo = new Fifo<object>();
  fifo.push({});
  const consumed = new WeakRef(fifo.shift() ?? {});
  for (let at = 0; at < 10; at += 1) fifo.push({});
  const inFront = new WeakRef(fifo.shift() ?? {});
  await new Promise(setImmediate);
  collectGarbage();
  expect([consumed.deref(), inFront.deref(), fifo.size]).toEqual([undefined, undefined, 9]);
});
