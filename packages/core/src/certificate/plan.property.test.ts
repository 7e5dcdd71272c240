import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CertificateModel } from './fixtures/certificate-model.ts';

/** A step of the model, with its name for counterexamples. */
interface Step {
  readonly name: string;
  readonly run: (model: CertificateModel) => unknown;
}

const MINUTE = 60_000;
const named =
  <T>(name: string, run: (model: CertificateModel, value: T) => unknown) =>
  (value: T): Step => ({ name: `${name} ${String(value)}`, run: (model) => run(model, value) });
const index = fc.constantFrom(0, 1);
const time = fc.integer({ min: 1, max: 30_000 }).map(
  named('advance', (model, ms: number) => {
    model.advance(ms);
  }),
);
const operator = index.map(named('operator', (model, replica: number) => model.step(replica)));
const round = index.map(
  named('round of operator', (model, replica: number) => {
    for (let steps = 0; steps < 4; steps += 1) model.step(replica);
  }),
);
const webhook = index.map(
  named('webhook', (model, replica: number) => {
    model.readByWebhook(replica);
  }),
);
const restart = index.map(
  named('restart operator', (model, replica: number) => {
    model.restart(replica);
  }),
);
const damage = fc.tuple(fc.constantFrom('authority', 'serving'), fc.constantFrom('absent', 'corrupt')).map(
  named('damage', (model, [secret, value]: ['authority' | 'serving', 'absent' | 'corrupt']) => {
    model.remove(secret, value);
  }),
);
const clock = fc.constantFrom(-90, -60, -10, 10, 40, 90).map(
  named('clock', (model, minutes: number) => {
    model.changeClock(minutes * MINUTE);
  }),
);
const skew = fc.tuple(index, fc.constantFrom(0, 0, -60, 90)).map(
  named('skew', (model, [replica, minutes]: [number, number]) => {
    model.changeSkew(replica, minutes * MINUTE);
  }),
);
const bundle = fc.constantFrom('empty' as const, 'foreign' as const).map(
  named('bundle', (model, kind: 'empty' | 'foreign') => {
    model.setBundle(kind);
  }),
);

const ordinary = [
  { weight: 8, arbitrary: time },
  { weight: 6, arbitrary: operator },
  { weight: 6, arbitrary: round },
  { weight: 3, arbitrary: webhook },
];
const events = [
  { weight: 1, arbitrary: fc.oneof(damage, restart, skew) },
  { weight: 1, arbitrary: clock },
];
const sequence = (...steps: { weight: number; arbitrary: fc.Arbitrary<Step> }[]): fc.Arbitrary<Step[]> =>
  fc.array(fc.oneof(...steps), { maxLength: 600, size: 'max' });

function run(steps: readonly Step[]): CertificateModel {
  const model = new CertificateModel();
  for (const { run: execute } of steps) execute(model);
  return model;
}

describe('certificates over random events, clocks and races of two replicas', () => {
  test('P2 the bundle always contains the CA of what the webhook serves', () => {
    fc.assert(
      fc.property(sequence(...ordinary, ...events), (steps) => {
        expect(run(steps).failOpen).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test('P2 after any events, bundles included, the webhook is trusted again within minutes, and the bundle is small', () => {
    fc.assert(
      fc.property(sequence(...ordinary, ...events, { weight: 1, arbitrary: bundle }), (steps) => {
        const model = run(steps);
        model.changeSkew(0, 0);
        model.changeSkew(1, 0);
        model.settle(2);
        expect(model.describe()).toBe('healthy');
        const before = model.failOpen.length;
        model.settle(100);
        expect(model.describe()).toBe('healthy');
        expect(model.failOpen.slice(before)).toEqual([]);
        // The CA that signs, and earlier ones that a changed clock made invalid.
        expect(model.trusted).toBeLessThanOrEqual(4);
      }),
      { numRuns: 100 },
    );
  });

  test('P2 a CA and a serving certificate are rotated many times without an event', () => {
    const model = new CertificateModel();
    model.settle(10 * 60);
    expect(model.failOpen).toEqual([]);
    expect(model.plans.filter((kind) => kind === 'issue-authority').length).toBeGreaterThan(10);
    expect(model.plans.filter((kind) => kind === 'issue-serving').length).toBeGreaterThan(30);
    expect(model.plans.filter((kind) => kind === 'narrow-bundle').length).toBeGreaterThan(10);
  });
});
