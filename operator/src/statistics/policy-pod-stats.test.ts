import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { PodRecord } from './pod-record.ts';
import { Tally } from './policy-pod-stats.ts';

const record = (changes: Partial<PodRecord> = {}): PodRecord => ({
  uid: 'u',
  policy: 'default',
  phase: 0,
  workload: 'shop/Deployment/web',
  assessment: 'fits',
  decision: 'leave',
  reason: 'Fits',
  architecture: 'amd64',
  constrained: false,
  gated: false,
  unschedulable: false,
  ...changes,
});

describe('the tally', () => {
  test('counts what a status says', () => {
    const tally = new Tally();
    tally.set('a', record({ constrained: true, portable: true }));
    tally.set('b', record({ assessment: 'misplaced', decision: 'report', reason: 'Ready', workload: 'shop/Pod/b' }));
    tally.set('c', record({ assessment: 'unknown', architecture: 'arm64' }));
    tally.set('d', record({ gated: true, unschedulable: true, policy: 'other' }));
    expect(tally.counts('default')).toEqual({
      matched: 3,
      constrained: 1,
      gated: 0,
      misplaced: 1,
      unresolved: 1,
      unschedulable: 0,
      architectures: new Map([
        ['amd64', 2],
        ['arm64', 1],
      ]),
      workloads: 2,
      portableWorkloads: 1,
      lostByName: new Map(),
    });
    expect([tally.misplaced, tally.staying('Ready'), tally.staying('BarePod')]).toEqual([1, 1, 0]);
    expect(tally.counts('none').matched).toBe(0);
  });

  test('a workload is portable when all of its known pods are', () => {
    const tally = new Tally();
    tally.set('a', record({ portable: true }));
    tally.set('b', record());
    expect(tally.counts('default').portableWorkloads).toBe(1);
    tally.set('b', record({ portable: false }));
    expect(tally.counts('default').portableWorkloads).toBe(0);
    tally.delete('b');
    expect(tally.counts('default').portableWorkloads).toBe(1);
  });

  test('tells the policy whose counts change, and both when a pod changes policies', () => {
    const told: string[] = [];
    const tally = new Tally((policy) => told.push(policy));
    tally.set('a', record());
    tally.set('a', record({ policy: 'other' }));
    tally.delete('a');
    tally.delete('a');
    expect(told).toEqual(['default', 'default', 'other', 'other']);
  });

  test('counts the pods that a policy lost by its name, and tells it', () => {
    const told: string[] = [];
    const tally = new Tally((policy) => told.push(policy));
    tally.set('a', record({ policy: 'a', rival: 'b' }));
    tally.set('b', record({ policy: 'a', rival: 'b' }));
    expect(tally.counts('b').lostByName).toEqual(new Map([['a', 2]]));
    expect(tally.counts('a').lostByName.size).toBe(0);
    tally.set('a', record({ policy: 'b' }));
    tally.delete('b');
    expect(tally.counts('b').lostByName.size).toBe(0);
    expect(told).toEqual(['a', 'b', 'a', 'b', 'a', 'b', 'a', 'b']);
  });

  test('counting as pods come and go equals counting those that are there', () => {
    const records = fc.record({
      policy: fc.constantFrom('p', 'q'),
      workload: fc.constantFrom('w', 'x'),
      assessment: fc.constantFrom<PodRecord['assessment']>('fits', 'misplaced', 'unknown'),
      architecture: fc.constantFrom('amd64', 'arm64'),
      portable: fc.constantFrom(undefined, true, false),
      reason: fc.constantFrom<PodRecord['reason']>('Ready', 'BarePod'),
      constrained: fc.boolean(),
      rival: fc.constantFrom(undefined, 'q', 'r'),
    });
    const steps = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.option(records, { nil: undefined })));
    fc.assert(
      fc.property(steps, (all) => {
        const tally = new Tally();
        const there = new Map<string, PodRecord>();
        for (const [key, change] of all) {
          if (change === undefined) {
            tally.delete(key);
            there.delete(key);
          } else {
            const { portable, rival, ...rest } = change;
            const next = record({
              ...rest,
              decision: 'report',
              ...(portable !== undefined && { portable }),
              ...(rival !== undefined && { rival }),
            });
            tally.set(key, next);
            there.set(key, next);
          }
        }
        const fresh = new Tally();
        for (const [key, value] of there) fresh.set(key, value);
        for (const policy of ['p', 'q', 'r']) expect(tally.counts(policy)).toEqual(fresh.counts(policy));
        for (const reason of ['Ready', 'BarePod']) expect(tally.staying(reason)).toBe(fresh.staying(reason));
        expect(tally.misplaced).toBe(fresh.misplaced);
      }),
    );
  });
});
