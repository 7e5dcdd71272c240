import { describe, expect, test } from '@jest/globals';
import type { Json, JsonObject } from '../json/json.ts';
import { writtenKeys } from './applied-pod.ts';
import { readPodView } from './pod-view.ts';

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const spec = (more: JsonObject): JsonObject => ({ containers: [{ image: 'app' }], ...more });
const affinity = (key: string, value: Json): JsonObject => ({ affinity: { nodeAffinity: { [key]: value } } });
const term = { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'Exists' }] }] };

/** Formats the keys that the manifest sets; `-` for a pod that is never applied. */
const written = (pod: JsonObject): string => {
  const lists = writtenKeys(readPodView(pod));
  if (lists === undefined) return '-';
  return Object.entries(lists)
    .flatMap(([name, is]) => (is === true ? [name] : []))
    .join(' ');
};

describe('client-side apply', () => {
  const applied = (manifest: string, live: JsonObject = {}): JsonObject => ({
    metadata: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': manifest } },
    spec: spec(live),
  });

  test.each<[string, JsonObject, string]>([
    ['nothing', {}, ''],
    ['tolerations', { tolerations: [{ key: 'k' }] }, 'tolerations'],
    ['an empty list of tolerations', { tolerations: [] }, 'tolerations'],
    ['null, which removes the present value', { tolerations: null, affinity: null }, 'affinity tolerations'],
    ['null as its node affinity', { affinity: { nodeAffinity: null } }, 'affinity'],
    ['required affinity', affinity(REQUIRED, term), 'affinity'],
    ['pod affinity', { affinity: { podAffinity: {} } }, 'affinity'],
    ['an empty affinity', { affinity: {} }, 'affinity'],
    ['a node selector, which is merged', { nodeSelector: { zone: 'a' } }, ''],
    ['node selector null', { nodeSelector: null }, 'nodeSelector'],
  ])('PL1 a manifest with %s', (_, manifest, expected) => {
    // Fields of the object that the manifest does not set were added later and survive another apply.
    const live = { ...affinity(REQUIRED, term), tolerations: [{ key: 'injected' }] };
    expect(written(applied(JSON.stringify({ spec: spec(manifest) }), live))).toBe(expected);
  });

  const daemon = (key: string): JsonObject => ({
    key,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: 300,
  });
  const ready = daemon('node.kubernetes.io/not-ready');
  const reachable = daemon('node.kubernetes.io/unreachable');

  test.each<[string, JsonObject, string]>([
    ['nothing', {}, ''],
    ['the default tolerations', { tolerations: [ready, reachable] }, ''],
    ['one more toleration', { tolerations: [ready, { key: 'k' }, reachable] }, 'tolerations'],
    ['a toleration that only shares the key', { tolerations: [{ ...ready, operator: 'Equal' }] }, 'tolerations'],
    ['a toleration that only shares the operator', { tolerations: [{ ...ready, key: 'k' }] }, 'tolerations'],
    ['a toleration of another effect', { tolerations: [{ ...reachable, effect: 'NoSchedule' }] }, 'tolerations'],
    ['affinity', affinity(REQUIRED, term), 'affinity'],
    ['an empty affinity', { affinity: {} }, 'affinity'],
    ['affinity null', { affinity: null }, ''],
    ['a node selector', { nodeSelector: { zone: 'a' } }, ''],
  ])('PL1 an unreadable manifest, of an object with %s', (_, live, expected) => {
    expect(written(applied('{', live))).toBe(expected);
    expect(written(applied('[]', live))).toBe(expected);
    // Created first, and applied later.
    expect(written({ metadata: {}, spec: spec(live) })).toBe(expected);
  });

  test.each<[number, string]>([
    [65_536, 'tolerations'],
    [65_537, 'affinity'],
  ])('PL1 a manifest of %d characters', (length, expected) => {
    const manifest = JSON.stringify({ spec: { tolerations: [{ key: 'k' }] } });
    expect(written(applied(manifest.padEnd(length), affinity(REQUIRED, term)))).toBe(expected);
  });
});

describe('server-side apply', () => {
  const managed = (...managedFields: Json[]): JsonObject => ({
    metadata: { managedFields },
    spec: spec({ tolerations: [{ key: 'k' }], nodeSelector: { zone: 'a' } }),
  });
  const entry = (fields: JsonObject, operation = 'Apply'): JsonObject => ({
    manager: 'm',
    operation,
    fieldsV1: { 'f:spec': fields },
  });
  const other = entry({ 'f:containers': {} });

  test.each<[string, Json[], string]>([
    ['other fields', [other], ''],
    ['tolerations', [entry({ 'f:tolerations': {} })], 'tolerations'],
    ['affinity', [entry({ 'f:affinity': { 'f:nodeAffinity': {} } })], 'affinity'],
    ['a node selector', [entry({ 'f:nodeSelector': {} })], 'nodeSelector'],
    ['tolerations by one of two appliers', [other, entry({ 'f:tolerations': {} })], 'tolerations'],
    ['affinity by one of two appliers', [entry({ 'f:affinity': {} }), other], 'affinity'],
    ['a node selector by one of two appliers', [other, entry({ 'f:nodeSelector': {} })], 'nodeSelector'],
    ['status beside the fields', [other, { operation: 'Apply', fieldsV1: { 'f:status': {} } }], ''],
    ['unreadable fields', [{ operation: 'Apply', fieldsV1: 'f:spec' }], 'tolerations nodeSelector'],
    ['only fields of updates', [entry({}, 'Update')], 'tolerations'],
    ['no fields', ['Apply', null], 'tolerations'],
  ])('PL1 %s', (_, entries, expected) => {
    expect(written(managed(...entries))).toBe(expected);
  });
});

test('PL1 a pod with a controller is not bare', () => {
  const metadata = {
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', controller: true }],
    managedFields: [{ operation: 'Apply', fieldsV1: { 'f:spec': { 'f:tolerations': {} } } }],
  };
  expect(written({ metadata, spec: spec({}) })).toBe('-');
});
