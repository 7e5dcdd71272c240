import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parsePod } from './parse-pod.ts';
import { internPod } from './intern-pod.ts';
import { Interner } from './interner.ts';
import type { JsonObject } from '../json/json.ts';

describe('interned values', () => {
  test('P8 returns one object for equal values', () => {
    const { intern } = new Interner(100);
    const first = { a: ['x'] };
    expect(intern(first)).toBe(first);
    expect(intern({ a: ['x'] })).toBe(first);
    expect(intern({ a: ['y'] })).not.toBe(first);
  });

  test('returns a value equal to the given one', () => {
    const { intern } = new Interner(3);
    const values = fc.oneof(fc.string(), fc.dictionary(fc.string(), fc.string()), fc.array(fc.string()));
    fc.assert(
      fc.property(fc.array(values, { maxLength: 50 }), (all) => {
        for (const value of all) {
          expect(intern(value)).toEqual(value);
          expect(intern(JSON.stringify(value))).toEqual(JSON.stringify(value));
        }
      }),
    );
  });

  test('evicts unused values and keeps used ones', () => {
    const { intern } = new Interner(10);
    const kept = intern({ kept: true });
    const forgotten = intern({ forgotten: true });
    for (let i = 0; i < 100; i += 1) {
      intern({ i });
      expect(intern({ kept: true })).toBe(kept);
    }
    expect(intern({ forgotten: true })).not.toBe(forgotten);
  });
});

describe('pods of one workload', () => {
  const raw = (name: string, ready: boolean): JsonObject => ({
    metadata: {
      name,
      namespace: 'shop',
      uid: name,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { app: 'web' },
      annotations: { 'archpolicy.dev/decision': '{"kind":"constrain"}' },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'r', controller: true }],
    },
    spec: {
      nodeName: 'amd64-1',
      nodeSelector: { disk: 'ssd' },
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [] }] },
        },
      },
      containers: [{ name: 'main', image: 'registry.corp/shop/web:v1' }],
      imagePullSecrets: [{ name: 'registry-corp' }],
    },
    status: {
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
      containerStatuses: [
        {
          name: 'main',
          ready,
          restartCount: 0,
          state: { running: { startedAt: `2026-01-01T00:00:0${name.length}Z` } },
        },
      ],
    },
  });

  test('P8 share all but names, versions and times', () => {
    const { intern } = new Interner(1_000);
    // The containers of the second pod started 1 s later.
    const [a, b] = ['a', 'bb'].map((name) => internPod(parsePod(raw(name, true))!, intern));
    expect(a).toEqual(parsePod(raw('a', true)));
    for (const key of [
      'labels',
      'annotations',
      'owner',
      'images',
      'pullSecrets',
      'nodeSelector',
      'requiredAffinity',
      'tolerations',
      'schedulingGates',
      'containers',
    ] as const) {
      expect(a![key]).toBe(b![key]);
    }
  });

  test('do not share the statuses of containers that are not ready', () => {
    const { intern } = new Interner(1_000);
    const [a, b] = ['a', 'b'].map((name) => internPod(parsePod(raw(name, false))!, intern));
    expect(a!.containers).toEqual(b!.containers);
    expect(a!.containers).not.toBe(b!.containers);
  });
});
