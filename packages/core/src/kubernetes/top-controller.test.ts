import { describe, expect, test } from '@jest/globals';
import type { OwnedPod } from './top-controller.ts';
import { controllerKey, findTopController, workloadKey } from './top-controller.ts';

const pod = (apiVersion: string, kind: string, name: string, labels: Record<string, string> = {}): OwnedPod => ({
  namespace: 'shop',
  name: `${name}-x1`,
  labels,
  owner: { apiVersion, kind, name },
});
const hash = { 'pod-template-hash': '5d4f' };

describe('the top controller', () => {
  test.each<[string, OwnedPod, string]>([
    ['a Deployment by its hash', pod('apps/v1', 'ReplicaSet', 'web-5d4f', hash), 'shop/Deployment/web'],
    ['a name that only ends like one', pod('apps/v1', 'ReplicaSet', 'web-a5d4f', hash), 'shop/ReplicaSet/web-a5d4f'],
    ['a ReplicaSet without a hash', pod('apps/v1', 'ReplicaSet', 'web-5d4f'), 'shop/ReplicaSet/web-5d4f'],
    ['another group', pod('example.org/v1', 'ReplicaSet', 'web-5d4f', hash), 'shop/ReplicaSet/web-5d4f'],
    [
      'an Argo Rollout by its own hash',
      pod('apps/v1', 'ReplicaSet', 'web-77aa', { 'rollouts-pod-template-hash': '77aa' }),
      'shop/Rollout/web',
    ],
    ['a StatefulSet', pod('apps/v1', 'StatefulSet', 'db', hash), 'shop/StatefulSet/db'],
    ['a bare pod, which is its own', { namespace: 'shop', name: 'one', labels: hash }, 'shop/Pod/one'],
  ])('R6 %s', (_, one, expected) => {
    expect(controllerKey(findTopController(one))).toBe(expected);
  });
});

test.each<[string, OwnedPod, string]>([
  [
    'bare pods of one generateName',
    { namespace: 'shop', name: 'one-x7k2p', generateName: 'one-', labels: {} },
    'shop/Pod/one-',
  ],
  ['a CronJob over its runs', pod('batch/v1', 'Job', 'nightly-29421660'), 'shop/Job/nightly'],
  ['a Job with a number of its own', pod('batch/v1', 'Job', 'import-7'), 'shop/Job/import-7'],
  ['a StatefulSet that ends in digits', pod('apps/v1', 'StatefulSet', 'db-12345678'), 'shop/StatefulSet/db-12345678'],
])('PL7 the workload: %s', (_, one, expected) => {
  expect(workloadKey(one)).toBe(expected);
});
