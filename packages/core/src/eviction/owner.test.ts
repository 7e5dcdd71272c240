import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../json/json.ts';
import type { OwnerReference } from '../kubernetes/facts.ts';
import { pod, without } from './fixtures/objects.ts';
import { parseJobFacts } from './job.ts';
import { isOwnedByJob, evaluateReplacement } from './owner.ts';

const owner = (apiVersion: string, kind: string, name = 'web'): OwnerReference => ({
  apiVersion,
  kind,
  name,
  uid: 'u',
});

describe('whether the owner replaces an evicted pod', () => {
  test.each<[string, OwnerReference, string]>([
    ['a ReplicaSet', owner('apps/v1', 'ReplicaSet'), 'replaced'],
    ['a StatefulSet', owner('apps/v1', 'StatefulSet'), 'replaced'],
    ['a ReplicationController', owner('v1', 'ReplicationController'), 'replaced'],
    ['an owner kind of the policy', owner('argoproj.io/v1alpha1', 'Rollout'), 'replaced'],
    ['a DaemonSet', owner('apps/v1', 'DaemonSet'), 'DaemonSetPod'],
    ['a DaemonSet of another group', owner('apps.kruise.io/v1', 'DaemonSet'), 'DaemonSetPod'],
    ['an unknown kind', owner('example.org/v1', 'Worker'), 'UnknownOwner'],
    ['a ReplicaSet of another group', owner('example.org/v1', 'ReplicaSet'), 'UnknownOwner'],
    ['a ReplicationController of another group', owner('apps/v1', 'ReplicationController'), 'UnknownOwner'],
    ['a node: the mirror of a static pod', owner('v1', 'Node', 'amd64-1'), 'StaticPod'],
    ['a Job that could not be read', owner('batch/v1', 'Job'), 'JobUnknown'],
  ])('R2 %s', (_, reference, expected) => {
    const replacement = evaluateReplacement(pod({ owner: reference }), undefined, ['argoproj.io/Rollout']);
    expect(replacement.kind === 'replaced' ? 'replaced' : replacement.reason).toBe(expected);
  });

  test('R2 a bare pod has no owner', () => {
    expect(evaluateReplacement(without('owner'), undefined, [])).toEqual({ kind: 'not-replaced', reason: 'BarePod' });
  });

  test('R2 a DaemonSet that the policy lists does not replace its pods elsewhere', () => {
    const replacement = evaluateReplacement(pod({ owner: owner('apps/v1', 'DaemonSet') }), undefined, [
      'apps/DaemonSet',
    ]);
    expect(replacement).toEqual({ kind: 'not-replaced', reason: 'DaemonSetPod' });
  });

  test.each([
    ['the mirror annotation', { 'kubernetes.io/config.mirror': 'abc' }],
    ['a file as its source', { 'kubernetes.io/config.source': 'file' }],
  ])('R2 a static pod by %s, with any owner', (_, annotations) => {
    expect(evaluateReplacement(pod({ annotations }), undefined, [])).toEqual({
      kind: 'not-replaced',
      reason: 'StaticPod',
    });
  });

  test('R2 a pod from the API server is not static', () => {
    const annotations = { 'kubernetes.io/config.source': 'api' };
    expect(evaluateReplacement(pod({ annotations }), undefined, []).kind).toBe('replaced');
  });
});

describe('Jobs', () => {
  const IGNORE: JsonObject = { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] };
  const FAIL: JsonObject = { action: 'FailJob', onExitCodes: { operator: 'In', values: [1] } };
  const COUNT: JsonObject = { action: 'Count', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] };
  const OTHER: JsonObject = { action: 'Ignore', onPodConditions: [{ type: 'ConfigIssue' }] };
  const ABSENT: JsonObject = { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'False' }] };

  const job = (spec: JsonObject, status: JsonObject = {}): JsonObject => ({ metadata: {}, spec, status });
  const rules = (...list: JsonObject[]): JsonObject => ({ backoffLimit: 0, podFailurePolicy: { rules: list } });
  const ended = (type: string): JsonObject => ({ conditions: [{ type, status: 'True' }] });

  test.each<[string, JsonObject, boolean]>([
    ['failures are left', job({ backoffLimit: 6 }, { failed: 2 }), true],
    ['the last failure is left', job({ backoffLimit: 3 }, { failed: 2 }), true],
    ['no failure is left', job({ backoffLimit: 2 }, { failed: 2 }), false],
    ['backoffLimit 0', job({ backoffLimit: 0 }), false],
    ['no backoffLimit: the default is 6', job({}, { failed: 5 }), true],
    ['failures are counted per index', job({ backoffLimit: 6, backoffLimitPerIndex: 1 }), false],
    ['per index, but disruptions are ignored', job({ ...rules(IGNORE), backoffLimitPerIndex: 0 }), true],
    ['disruptions are ignored', job(rules(IGNORE)), true],
    ['disruptions are ignored by the second rule', job(rules(OTHER, IGNORE)), true],
    ['a rule that fails the Job comes first', job({ ...rules(FAIL, IGNORE), backoffLimit: 6 }), false],
    ['a rule that fails the Job comes later', job(rules(IGNORE, FAIL)), true],
    ['disruptions are counted', job(rules(COUNT, IGNORE)), false],
    ['the rule requires the condition to be false', job(rules(ABSENT)), false],
    ['suspended', job({ backoffLimit: 6, suspend: true }), false],
    ['complete', job({ backoffLimit: 6 }, ended('Complete')), false],
    ['failed', job({ backoffLimit: 6 }, ended('Failed')), false],
    ['about to fail', job({ backoffLimit: 6 }, ended('FailureTarget')), false],
    ['being deleted', { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' }, spec: { backoffLimit: 6 } }, false],
  ])('R2 %s', (_, raw, replaced) => {
    const facts = parseJobFacts(raw);
    expect(facts).toBeDefined();
    const replacement = evaluateReplacement(pod({ owner: owner('batch/v1', 'Job') }), facts, []);
    expect(replacement).toEqual(replaced ? { kind: 'replaced' } : { kind: 'not-replaced', reason: 'JobWouldFail' });
  });

  test('an object that is not a Job has no facts, and invalid fields count as absent', () => {
    expect(parseJobFacts(null)).toBeUndefined();
    expect(parseJobFacts({ kind: 'Job' })).toBeUndefined();
    expect(parseJobFacts(job({ backoffLimit: 'many' }, { failed: -1 }))).toEqual({
      ended: false,
      backoffLimit: 6,
      backoffLimitPerIndex: false,
      failed: 0,
      onDisruption: 'Counted',
    });
  });

  test('only Jobs of the group batch are read', () => {
    expect(isOwnedByJob(pod({ owner: owner('batch/v1', 'Job') }))).toBe(true);
    expect(isOwnedByJob(pod({ owner: owner('example.org/v1', 'Job') }))).toBe(false);
    expect(isOwnedByJob(without('owner'))).toBe(false);
  });
});
