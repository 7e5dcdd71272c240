import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { PodRecord } from './pod-record.ts';
import { FakeClock } from '@archpolicy/testkit';
import { PolicyPodStats } from './policy-pod-stats.ts';

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

describe('the pod counts of a policy', () => {
  test('contain the counts of a status', () => {
    const stats = new PolicyPodStats(new FakeClock());
    stats.set('a', record({ constrained: true, portable: true }));
    stats.set(
      'b',
      record({
        assessment: 'misplaced',
        decision: 'report',
        reason: 'ReadyOnWrongArchitecture',
        workload: 'shop/Pod/b',
      }),
    );
    stats.set('c', record({ assessment: 'unknown', architecture: 'arm64' }));
    stats.set('d', record({ gated: true, unschedulable: true, policy: 'other' }));
    expect(stats.counts('default')).toEqual({
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
      losesTieTo: new Map(),
    });
    expect([stats.misplaced, stats.notEvicted('ReadyOnWrongArchitecture'), stats.notEvicted('BarePod')]).toEqual([
      1, 1, 0,
    ]);
    expect(stats.counts('none').matched).toBe(0);
  });

  test('P8 the keys of pods by the reason why they are not evicted, as of the last decision', () => {
    const stats = new PolicyPodStats(new FakeClock());
    const waiting = record({ decision: 'report', reason: 'NoNodeForReplacement' });
    const keys = (): readonly string[] => stats.keysByReason(['NoNodeForReplacement', 'Unschedulable']);
    stats.set('a', waiting);
    stats.set('b', record({ decision: 'report', reason: 'Unschedulable' }));
    stats.set('c', record());
    stats.set('d', record({ decision: 'evict', reason: 'Unschedulable' }));
    stats.set('a', { ...waiting, uid: 'another' });
    expect(keys()).toEqual(['a', 'b']);
    stats.set('a', record());
    stats.set('c', waiting);
    stats.delete('b');
    expect(keys()).toEqual(['c']);
  });

  test('a workload is portable when all of its known pods are', () => {
    const stats = new PolicyPodStats(new FakeClock());
    stats.set('a', record({ portable: true }));
    stats.set('b', record());
    expect(stats.counts('default').portableWorkloads).toBe(1);
    stats.set('b', record({ portable: false }));
    expect(stats.counts('default').portableWorkloads).toBe(0);
    stats.delete('b');
    expect(stats.counts('default').portableWorkloads).toBe(1);
  });

  test('notify for the policy whose counts change, and for both when a pod changes policies', () => {
    const notified: string[] = [];
    const stats = new PolicyPodStats(new FakeClock());
    stats.subscribe((policy) => notified.push(policy));
    stats.set('a', record());
    stats.set('a', record({ policy: 'other' }));
    stats.delete('a');
    stats.delete('a');
    expect(notified).toEqual(['default', 'default', 'other', 'other']);
  });

  test('contain the pods whose tie the policy loses, and notify for it', () => {
    const notified: string[] = [];
    const stats = new PolicyPodStats(new FakeClock());
    stats.subscribe((policy) => notified.push(policy));
    stats.set('a', record({ policy: 'a', rival: 'b' }));
    stats.set('b', record({ policy: 'a', rival: 'b' }));
    expect(stats.counts('b').losesTieTo).toEqual(new Map([['a', 2]]));
    expect(stats.counts('a').losesTieTo.size).toBe(0);
    stats.set('a', record({ policy: 'b' }));
    stats.delete('b');
    expect(stats.counts('b').losesTieTo.size).toBe(0);
    expect(notified).toEqual(['a', 'b', 'a', 'b', 'a', 'b', 'a', 'b']);
  });

  test('incremental counts equal a full count', () => {
    const records = fc.record({
      policy: fc.constantFrom('p', 'q'),
      workload: fc.constantFrom('w', 'x'),
      assessment: fc.constantFrom<PodRecord['assessment']>('fits', 'misplaced', 'unknown'),
      architecture: fc.constantFrom('amd64', 'arm64'),
      portable: fc.constantFrom(undefined, true, false),
      reason: fc.constantFrom<PodRecord['reason']>('ReadyOnWrongArchitecture', 'BarePod'),
      constrained: fc.boolean(),
      rival: fc.constantFrom(undefined, 'q', 'r'),
    });
    const steps = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.option(records, { nil: undefined })));
    fc.assert(
      fc.property(steps, (all) => {
        const stats = new PolicyPodStats(new FakeClock());
        const there = new Map<string, PodRecord>();
        for (const [key, change] of all) {
          if (change === undefined) {
            stats.delete(key);
            there.delete(key);
          } else {
            const { portable, rival, ...rest } = change;
            const next = record({
              ...rest,
              decision: 'report',
              ...(portable !== undefined && { portable }),
              ...(rival !== undefined && { rival }),
            });
            stats.set(key, next);
            there.set(key, next);
          }
        }
        const fresh = new PolicyPodStats(new FakeClock());
        for (const [key, value] of there) fresh.set(key, value);
        for (const policy of ['p', 'q', 'r']) expect(stats.counts(policy)).toEqual(fresh.counts(policy));
        for (const reason of ['ReadyOnWrongArchitecture', 'BarePod'])
          expect(stats.notEvicted(reason)).toBe(fresh.notEvicted(reason));
        expect(stats.misplaced).toBe(fresh.misplaced);
      }),
    );
  });
});
