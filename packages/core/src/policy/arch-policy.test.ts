import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../json/json.ts';
import { parseArchPolicy } from './arch-policy.ts';

const policy = (spec: JsonObject, more: JsonObject = {}): JsonObject => ({
  apiVersion: 'archpolicy.dev/v1alpha1',
  kind: 'ArchPolicy',
  metadata: { name: 'default', uid: 'u1', generation: 3, resourceVersion: '17' },
  spec,
  ...more,
});

const parsed = (raw: JsonObject): unknown => {
  const result = parseArchPolicy(raw);
  return result.kind === 'ok' ? result.value : result.failure;
};

const problems = (raw: JsonObject): readonly string[] => {
  const result = parseArchPolicy(raw);
  return result.kind === 'ok' ? [] : result.failure.map(({ path, message }) => `${path}: ${message}`);
};

describe('parseArchPolicy', () => {
  test('fills in every default', () => {
    expect(parsed(policy({}))).toEqual({
      name: 'default',
      uid: 'u1',
      generation: 3,
      resourceVersion: '17',
      spec: {
        priority: 0,
        namespaceSelector: {},
        podSelector: {},
        mode: 'Enforce',
        scaleFromZero: [],
        scaleFromZeroWait: '10m',
        whenNoCommonArchitecture: 'Admit',
        whenUnresolved: 'Gate',
        gateTimeout: '60s',
        tolerateArchitectureTaints: true,
        copyLabelsToNodeAffinity: [],
        images: [],
        remediation: {
          action: 'Evict',
          recheckInterval: '10m',
          gracePeriodAfterScheduling: '30s',
          maxEvictionsPerMinute: 60,
          includeReady: false,
          ownerKinds: [],
        },
      },
    });
  });

  test('fills in the defaults inside preference where there is one', () => {
    expect(parsed(policy({ preference: { architectures: ['arm64', 'amd64'] } }))).toMatchObject({
      spec: {
        preference: { architectures: ['arm64', 'amd64'], type: 'Require', weight: 100, allowOverride: true },
      },
    });
  });

  test('ignores unknown fields', () => {
    expect(problems(policy({ later: true, remediation: { later: 1 } }, { more: {} }))).toEqual([]);
  });

  test('treats a field that is null as absent, like the API server, and rejects null in a list', () => {
    const blank = { podSelector: null, remediation: { recheckInterval: null }, mode: null, preference: null };
    expect(parsed(policy(blank))).toEqual(parsed(policy({})));
    expect(problems(policy({ images: [null] }))).toEqual([expect.stringMatching(/^spec\.images\[0\]: /)]);
    expect(problems(policy({}, { spec: null }))).toEqual([expect.stringMatching(/^spec: /)]);
  });

  test('writes the path of a problem as the API server does', () => {
    expect(problems(policy({ podSelector: { matchLabels: { app: '-' } }, architectures: ['x'] }))).toEqual([
      expect.stringMatching(/^spec\.podSelector\.matchLabels\[app\]: /),
      expect.stringMatching(/^spec\.architectures\[0\]: /),
    ]);
  });

  test('reads a file that was never stored, and an item of a list', () => {
    expect(parsed({ metadata: { name: 'new' }, spec: {} })).toMatchObject({ name: 'new', uid: '', generation: 0 });
  });

  test('detects a policy that is being deleted', () => {
    const raw = policy({}, { metadata: { name: 'old', deletionTimestamp: '2026-01-02T03:04:05Z' } });
    expect(parsed(raw)).toMatchObject({ name: 'old', deleting: true });
    expect(parsed(policy({}))).not.toHaveProperty('deleting');
  });

  test('keeps a valid status and drops an invalid one: the policy is still valid', () => {
    expect(parsed(policy({}, { status: { pods: { matched: 4 } } }))).toMatchObject({
      status: { pods: { matched: 4 } },
    });
    expect(parsed(policy({}, { status: { pods: 'many' } }))).not.toHaveProperty('status');
  });

  test.each<[string, JsonObject, string]>([
    ['no specification', { spec: undefined }, 'spec: '],
    ['another kind', { kind: 'Pod' }, 'kind: '],
    ['another group', { apiVersion: 'example.com/v1' }, 'apiVersion: '],
    ['no name', { metadata: {} }, 'metadata.name: '],
    ['no object', { metadata: 'default' }, 'metadata: '],
  ])('rejects %s', (_, more, path) => {
    expect(problems(policy({}, more))).toEqual([expect.stringContaining(path)]);
  });

  test('returns every problem, with its field and the required change', () => {
    expect(problems(policy({ gateTimeout: '3 weeks', whenUnresolved: 'Fallback' }))).toEqual([
      'spec.gateTimeout: write a duration from 5s to 10m in whole hours (h), minutes (m) and seconds (s), such as 60s',
      'spec.whenUnresolved: set spec.fallbackArchitecture, or choose another whenUnresolved',
    ]);
  });
});
