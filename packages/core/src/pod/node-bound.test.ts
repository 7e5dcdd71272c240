import { describe, expect, test } from '@jest/globals';
import { evaluateReplacement } from '../eviction/owner.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { parsePod } from '../kubernetes/parse-pod.ts';
import { buildInput } from '../placement/fixtures/row.ts';
import { placePod } from '../placement/place-pod.ts';
import { readPodView } from '../placement/pod-view.ts';
import { nodeBound } from './node-bound.ts';

const owned = (apiVersion: string, kind: string): JsonObject => ({
  ownerReferences: [{ apiVersion, kind, name: 'a', uid: 'u', controller: true }],
});
const annotated = (key: string, value: Json): JsonObject => ({
  ...owned('apps/v1', 'ReplicaSet'),
  annotations: { [`kubernetes.io/config.${key}`]: value },
});

describe('pods that are bound to one node', () => {
  test.each<[string, JsonObject, string | undefined]>([
    ['a mirror', annotated('mirror', 'abc'), 'StaticPod'],
    ['a mirror by an empty mark', annotated('mirror', ''), 'StaticPod'],
    ['a mirror by a mark of 5,000 characters', annotated('mirror', 'x'.repeat(5_000)), 'StaticPod'],
    ['from a source of 5,000 characters', annotated('source', 'x'.repeat(5_000)), 'StaticPod'],
    ['from a file', annotated('source', 'file'), 'StaticPod'],
    ['from a source without a name', annotated('source', ''), 'StaticPod'],
    ['from the API server', annotated('source', 'api'), undefined],
    ['a mark that is no string', annotated('mirror', 1), undefined],
    ['of a node', owned('v1', 'Node'), 'StaticPod'],
    ['of another kind named Node', owned('example.org/v1', 'Node'), undefined],
    ['of a DaemonSet', owned('apps/v1', 'DaemonSet'), 'DaemonSetPod'],
    ['of a DaemonSet of another group', owned('apps.kruise.io/v1', 'DaemonSet'), 'DaemonSetPod'],
    ['of a ReplicaSet', owned('apps/v1', 'ReplicaSet'), undefined],
  ])('PL1 R2 %s: the same for placement and for eviction', (_, metadata, expected) => {
    const row = buildInput({ metadata, images: { app: 'linux/arm64' } });
    const pod = parsePod({ ...row.pod, metadata: { ...metadata, ...IDENTITY } });
    if (pod === undefined) throw new Error('no pod');
    expect([nodeBound(readPodView(row.pod)), nodeBound(pod)]).toEqual([expected, expected]);
    expect(placePod(row).decision.reason).toBe(expected ?? 'ImagesSupport');
    const replacement = evaluateReplacement(pod, undefined, ['example.org/Node']);
    expect(replacement.kind === 'replaced' ? undefined : replacement.reason).toBe(expected);
  });
});

const IDENTITY = {
  namespace: 'team',
  name: 'app',
  uid: 'u',
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
};
