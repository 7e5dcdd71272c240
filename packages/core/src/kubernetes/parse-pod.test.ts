import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Json, JsonObject } from '../json/json.ts';
import { parsePod } from './parse-pod.ts';

const CREATED = '2026-11-21T22:00:00Z';
const CREATED_MS = Date.parse(CREATED);

/** A crash-looping pod as a real kubelet reported it, shortened. */
const crashing = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'web-5d4f-abcde',
    namespace: 'shop',
    uid: '3fcb',
    resourceVersion: '5096',
    creationTimestamp: CREATED,
    labels: { app: 'web' },
    annotations: {
      'archpolicy.dev/decision': '{"kind":"leave"}',
      'archpolicy.dev/unknown': 'x',
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
    },
    managedFields: [{ manager: 'kubelet' }],
    ownerReferences: [
      { apiVersion: 'v1', kind: 'ConfigMap', name: 'other', uid: 'c' },
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d4f', uid: 'r', controller: true },
    ],
  },
  spec: {
    nodeName: 'amd64-1',
    containers: [{ name: 'main', image: 'registry.corp/shop/web:v1', env: [{ name: 'A', value: 'B' }] }],
    initContainers: [{ name: 'proxy', image: 'registry.corp/mesh/proxy:v2', restartPolicy: 'Always' }],
    imagePullSecrets: [{ name: 'registry-corp' }],
    tolerations: [{ key: 'a', operator: 'Exists' }],
  },
  status: {
    phase: 'Running',
    conditions: [
      { type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-11-21T22:00:01Z' },
      { type: 'Ready', status: 'False', reason: 'ContainersNotReady', lastTransitionTime: '2026-11-21T22:00:02Z' },
    ],
    containerStatuses: [
      {
        name: 'main',
        image: 'registry.corp/same/content:v9',
        imageID: 'registry.corp/same/content@sha256:62c0',
        ready: false,
        restartCount: 6,
        state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s restarting failed container=main' } },
        lastState: {
          terminated: {
            exitCode: 255,
            reason: 'Error',
            startedAt: '2026-11-21T22:14:02Z',
            finishedAt: '2026-11-21T22:14:03Z',
          },
        },
      },
    ],
    initContainerStatuses: [
      { name: 'proxy', ready: true, restartCount: 0, state: { running: { startedAt: '2026-11-21T22:00:03Z' } } },
    ],
  },
} as const satisfies JsonObject;

const withStatus = (status: Json): JsonObject => ({ ...crashing, status });
const withMetadata = (metadata: JsonObject): JsonObject => ({
  ...crashing,
  metadata: { ...crashing.metadata, ...metadata },
});

describe('pods', () => {
  test('P8 keep what remediation needs, and nothing else', () => {
    expect(parsePod(crashing)).toEqual({
      namespace: 'shop',
      name: 'web-5d4f-abcde',
      uid: '3fcb',
      resourceVersion: '5096',
      createdAtMs: CREATED_MS,
      deleting: false,
      labels: { app: 'web' },
      annotations: { 'archpolicy.dev/decision': '{"kind":"leave"}' },
      owner: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d4f', uid: 'r' },
      nodeName: 'amd64-1',
      images: ['registry.corp/shop/web:v1', 'registry.corp/mesh/proxy:v2'],
      pullSecrets: ['registry-corp'],
      nodeSelector: {},
      tolerations: [{ key: 'a', operator: 'Exists' }],
      schedulingGates: [],
      phase: 'Running',
      ready: { value: false, sinceMs: CREATED_MS + 2000 },
      scheduled: { value: true, sinceMs: CREATED_MS + 1000 },
      containers: [
        {
          name: 'main',
          image: 'registry.corp/shop/web:v1', // from the spec, not from the status
          ready: false,
          running: false,
          restartCount: 6,
          waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s restarting failed container=main' },
          lastTerminated: {
            ...{ exitCode: 255, reason: 'Error', message: '', seconds: 1 },
            finishedAtMs: Date.parse('2026-11-21T22:14:03Z'),
          },
        },
        {
          name: 'proxy',
          image: 'registry.corp/mesh/proxy:v2',
          ready: true,
          running: true,
          runningSinceMs: CREATED_MS + 3000,
          restartCount: 0,
        },
      ],
    });
  });

  test.each<[string, JsonObject]>([
    ['no namespace', { namespace: '' }],
    ['no name', { name: '' }],
    ['no uid', { uid: '' }],
    ['no resourceVersion', { resourceVersion: '' }],
    ['no creation time', { creationTimestamp: null }],
  ])('is nothing that the API server stored: %s', (_, metadata) => {
    expect(parsePod(withMetadata(metadata))).toBeUndefined();
  });

  test('deletion is seen by its timestamp', () => {
    expect(parsePod(withMetadata({ deletionTimestamp: '2026-11-21T23:00:00Z' }))?.deleting).toBe(true);
  });

  test.each<[string, Json]>([
    ['none', []],
    ['no controller', [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: 'c' }]],
    ['controller, incomplete', [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', controller: true }]],
    ['of another shape', 'ReplicaSet'],
  ])('has no owner: %s', (_, ownerReferences) => {
    expect(parsePod(withMetadata({ ownerReferences }))).not.toHaveProperty('owner');
  });

  test('conditions without a time are as old as the pod, absent ones are false', () => {
    const pod = parsePod(
      withStatus({ conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }] }),
    );
    expect(pod?.scheduled).toEqual({ value: false, sinceMs: CREATED_MS, reason: 'Unschedulable' });
    expect(pod?.ready).toEqual({ value: false, sinceMs: CREATED_MS });
    expect(pod?.phase).toBe('Unknown');
  });

  const readyCondition = (status: string, time: string) => ({ type: 'Ready', status, lastTransitionTime: time });
  const EARLY = '2026-11-21T22:00:02Z';
  const LATE = '2026-11-21T22:00:12Z';
  test.each<[string, JsonObject, object]>([
    ['False since the kubelet accepted it', { startTime: EARLY, conditions: [readyCondition('False', EARLY)] }, {}],
    [
      'False since later: it was True before',
      { startTime: EARLY, conditions: [readyCondition('False', LATE)] },
      { turnedFalse: true },
    ],
    ['True', { startTime: EARLY, conditions: [readyCondition('True', LATE)] }, {}],
    ['without a start time', { conditions: [readyCondition('False', LATE)] }, {}],
    ['a condition without a time', { startTime: EARLY, conditions: [{ type: 'Ready', status: 'False' }] }, {}],
  ])('R10 whether Ready was True before: %s', (_, status, expected) => {
    const ready = parsePod(withStatus(status))?.ready;
    expect(ready).toEqual({ value: ready?.value, sinceMs: ready?.sinceMs, ...expected });
  });

  test('R10 P8 times of the containers are kept only while the pod is not Ready', () => {
    const run = { startedAt: EARLY, finishedAt: LATE };
    const containerStatuses = [
      { name: 'main', state: { running: run }, lastState: { terminated: { exitCode: 1, ...run } } },
    ];
    const parseTimes = (status: string): unknown => {
      const conditions = [readyCondition(status, LATE)];
      const [container] = parsePod(withStatus({ conditions, containerStatuses }))?.containers ?? [];
      return [container?.runningSinceMs, container?.lastTerminated?.finishedAtMs, container?.lastTerminated?.seconds];
    };
    expect(parseTimes('True')).toEqual([undefined, undefined, 10]);
    expect(parseTimes('False')).toEqual([Date.parse(EARLY), Date.parse(LATE), 10]);
  });

  test('R10 a container that never started has no start time and no duration', () => {
    const never = { startedAt: '1970-01-01T00:00:00Z', finishedAt: LATE };
    const containerStatuses = [
      { name: 'main', state: { terminated: { exitCode: 128, reason: 'StartError', ...never } } },
      { name: 'other', state: { running: { startedAt: null } } },
    ];
    const containers = parsePod(withStatus({ containerStatuses }))?.containers;
    expect(containers?.[0]?.terminated).toEqual({ exitCode: 128, reason: 'StartError', message: '' });
    expect(containers?.[1]).not.toHaveProperty('runningSinceMs');
  });

  test('what tenants can make long is bounded', () => {
    const message = `${'a'.repeat(5000)}exec /app: exec format error\n`;
    const containerStatuses = [{ name: 'main', state: { terminated: { exitCode: 1, message } } }];
    const kept = parsePod(withStatus({ containerStatuses }))?.containers[0]?.terminated?.message ?? '';
    expect(kept.length).toBeLessThan(1100);
    expect(kept).toContain('exec format error');
    const annotations = { 'archpolicy.dev/decision': 'x'.repeat(5000), 'archpolicy.dev/allow-eviction': 'false' };
    expect(parsePod(withMetadata({ annotations }))?.annotations).toEqual({
      'archpolicy.dev/decision': '(too long)',
      'archpolicy.dev/allow-eviction': 'false',
    });
  });

  test('R1 statuses of ephemeral containers are not read: a debugger does not run an image of the pod', () => {
    const ephemeralContainerStatuses = [{ name: 'debug', restartCount: 0, state: { terminated: { exitCode: 2 } } }];
    expect(parsePod(withStatus({ ephemeralContainerStatuses }))?.containers).toEqual([]);
  });

  test('no JSON makes it throw', () => {
    const json = fc.jsonValue({ maxDepth: 4 });
    fc.assert(
      fc.property(json, json, json, (metadata, spec, status) => {
        parsePod({ metadata, spec, status });
        parsePod({ ...crashing, spec, status });
      }),
    );
  });
});
