import { expect, test } from '@jest/globals';
import type { Json, JsonObject } from '../json/json.ts';
import { revert } from './revert.ts';

/** Records that only a tenant would write, with pods of unusual shapes. */
const toleration: JsonObject = { key: 'kubernetes.io/arch', operator: 'Equal', value: 'arm64' };
const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const TERMS = `/spec/affinity/nodeAffinity/${REQUIRED}/nodeSelectorTerms`;
const affinity = (nodeSelectorTerms: Json): JsonObject => ({ nodeAffinity: { [REQUIRED]: { nodeSelectorTerms } } });
const term: JsonObject = { matchExpressions: [{ key: 'kubernetes.io/arch', operator: 'In', values: ['arm64'] }] };

test.each<[string, JsonObject, string, Json]>([
  ['a path into an element', { tolerations: [toleration] }, '/spec/tolerations/0/key', toleration],
  ['an element of a value that is not a list', { tolerations: null }, '/spec/tolerations/0', toleration],
  ['a field of a prototype', { constructor: { a: 1 } }, '/spec/constructor', { a: 1 }],
  ['an object where the pod has null', { affinity: null }, '/spec/affinity', affinity([term])],
  ['a path through null', { affinity: null }, '/spec/affinity/nodeAffinity', { [REQUIRED]: {} }],
  ['a string where the pod has an object', { affinity: affinity([term]) }, '/spec/affinity', 'nodeAffinity'],
  ['a string where the pod has terms', { affinity: affinity([term]) }, TERMS, 'x'],
  ['null where the pod has terms', { affinity: affinity([term]) }, TERMS, null],
  ['terms where the pod has null', { affinity: affinity(null) }, TERMS, [term]],
  ['terms where the pod has a string of the same length', { affinity: affinity('x') }, TERMS, [term]],
  ['more terms than the pod has', { affinity: affinity([term]) }, TERMS, [term, term]],
])('PL2 a forged record removes nothing: %s', (_, spec, path, value) => {
  expect(revert({ spec }, { added: [{ path, value }], terms: 1 }, []).pod).toEqual({ spec });
});

test('PL2 a forged record removes no key of the node selector of a pod with an owner, which only its owner sets', () => {
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'app', uid: 'u', controller: true }];
  const spec = { nodeSelector: { 'kubernetes.io/arch': 'arm64' } };
  const added = [{ path: '/spec/nodeSelector/kubernetes.io~1arch', value: 'arm64' }];
  const revertWith = (metadata: JsonObject): Json | undefined => revert({ metadata, spec }, { added }, []).pod['spec'];
  expect(revertWith({ ownerReferences })).toEqual(spec);
  expect(revertWith({})).toEqual({ nodeSelector: {} });
});
