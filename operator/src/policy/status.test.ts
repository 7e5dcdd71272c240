import { describe, expect, test } from '@jest/globals';
import type { ArchPolicy, ArchPolicyCondition, JsonObject, Labels } from '@archpolicy/core';
import { node, policy } from '../fixtures/objects.ts';
import { NO_PODS } from '../statistics/policy-pod-stats.ts';
import { EvictedCounts } from './evicted-counts.ts';
import { buildInvalidStatus, buildStatus } from './status.ts';
import type { StatusInput } from './status.ts';

const UNREACHABLE: StatusInput['webhook'] = { kind: 'unreachable', cause: 'not-running', words: '' };

const NOW = Date.UTC(2026, 0, 1, 12, 0, 0, 678);
const EARLIER = '2026-01-01T09:00:00Z';

const BLUE: Labels = { team: 'blue' };
const shop = { name: 'shop', labels: BLUE, annotations: {} };

const input = (changes: Partial<StatusInput> = {}): StatusInput => ({
  policy: policy({}),
  policies: [],
  namespaces: [shop],
  counts: { ...NO_PODS, matched: 1 },
  evicted: 0,
  nodes: [],
  lastRecheckMs: NOW,
  recordFailing: false,
  certificates: undefined,
  webhook: { kind: 'reachable' },
  tolerations: undefined,
  losses: [],
  brake: { kind: 'running' },
  relaxed: [],
  nowMs: NOW,
  ...changes,
});

test.each<[string, StatusInput['tolerations'], string | undefined, string | undefined]>([
  ['no verdict', undefined, undefined, undefined],
  ['no verdict: unchanged', undefined, 'Refused', 'Refused'],
  ['refused', { kind: 'refused', words: '' }, 'Accepted', 'Refused'],
  ['accepted', { kind: 'accepted' }, 'Refused', 'Accepted'],
])('PL8 the verdict on tolerations in the status: %s', (_, tolerations, before, expected) => {
  const status = before === undefined ? {} : { tolerations: before };
  expect(buildStatus(input({ policy: policy({}, 'default', { status }), tolerations })).tolerations).toBe(expected);
});

test('PL8 the condition quotes the API server', () => {
  const { conditions = [] } = buildStatus(
    input({ tolerations: { kind: 'refused', words: 'conflict with its whitelist' } }),
  );
  expect(conditions.find(({ type }) => type === 'Degraded')?.message).toContain('"conflict with its whitelist"');
});

const withConditions = (spec: JsonObject, ...conditions: readonly Partial<ArchPolicyCondition>[]): ArchPolicy =>
  policy(spec, 'default', {
    status: {
      conditions: conditions.map((condition) => ({
        type: 'Ready',
        status: 'True',
        reason: 'Before',
        message: 'before',
        observedGeneration: 1,
        lastTransitionTime: EARLIER,
        ...condition,
      })),
    },
  });

const shown = (changes: Partial<StatusInput>): readonly string[] =>
  (buildStatus(input(changes)).conditions ?? []).map(({ type, status, reason }) => `${type}=${status} ${reason}`);

describe('the status of a policy', () => {
  test('PL5 contains the counts by architecture, with nodes without the label as unknown', () => {
    const counts = {
      ...NO_PODS,
      matched: 5,
      misplaced: 1,
      workloads: 3,
      portableWorkloads: 2,
      architectures: new Map([
        ['amd64', 4],
        ['s390x', 1],
        ['unknown', 2],
      ] as const),
    };
    const nodes = [
      node('a', 'amd64'),
      node('b', 'arm64'),
      node('c', 'arm64'),
      node('d', ''),
      node('virtual', 'amd64', { labels: {} }),
    ];
    expect(buildStatus(input({ counts, nodes, evicted: 7 }))).toMatchObject({
      observedGeneration: 1,
      pods: { matched: 5, constrained: 0, gated: 0, misplaced: 1, unresolved: 0, unschedulable: 0, evicted: 7 },
      architectures: [
        { name: 'amd64', nodes: 1, pods: 4 },
        { name: 'arm64', nodes: 2, pods: 0 },
        { name: 's390x', nodes: 0, pods: 1 },
        { name: 'unknown', nodes: 2, pods: 2 },
      ],
      workloads: { total: 3, portable: 2 },
      lastRecheckTime: '2026-01-01T12:00:00Z',
    });
  });

  test.each<[string, Partial<StatusInput>, readonly string[]]>([
    ['enforcing', {}, ['Ready=True Enforcing', 'Degraded=False AsExpected']],
    ['in Audit', { policy: policy({ mode: 'Audit' }) }, ['Ready=True Auditing', 'Degraded=False AsExpected']],
    [
      'reporting',
      { policy: policy({ remediation: { action: 'Report' } }) },
      ['Ready=True Reporting', 'Degraded=False AsExpected'],
    ],
    ['P2 without the webhook', { webhook: UNREACHABLE }, ['Ready=True Enforcing', 'Degraded=True WebhookUnreachable']],
    [
      'P2 while the certificates cannot be kept in order, in Audit, too',
      { certificates: 'The Secret is managed by cert-manager.', policy: policy({ mode: 'Audit' }) },
      ['Ready=True Auditing', 'Degraded=True CertificateFailed'],
    ],
    [
      'R6 whose evictions cannot be recorded',
      { recordFailing: true },
      ['Ready=True Enforcing', 'Degraded=True EvictionsNotRecorded'],
    ],
    [
      'R7 whose evictions are stopped, and cannot be recorded: the next leader needs the first reason',
      { recordFailing: true, brake: { kind: 'owners-paused', owners: ['shop/Deployment/web'] } },
      ['Ready=True Enforcing', 'Degraded=True OwnersStopped'],
    ],
    [
      'R6 that does not evict, while evictions cannot be recorded',
      { policy: policy({ remediation: { action: 'Report' } }), recordFailing: true },
      ['Ready=True Reporting', 'Degraded=False AsExpected'],
    ],
    [
      'PL8 with rejected tolerations, also in Audit',
      { policy: policy({ mode: 'Audit' }), tolerations: { kind: 'refused', words: 'cluster whitelist' } },
      ['Ready=True Auditing', 'Degraded=True TolerationsRefused'],
    ],
    [
      'PL8 with rejected tolerations, before a new leader has a verdict',
      { policy: policy({}, 'default', { status: { tolerations: 'Refused' } }) },
      ['Ready=True Enforcing', 'Degraded=True TolerationsRefused'],
    ],
    [
      'PL8 with tolerations that are accepted again',
      { policy: policy({}, 'default', { status: { tolerations: 'Refused' } }), tolerations: { kind: 'accepted' } },
      ['Ready=True Enforcing', 'Degraded=False AsExpected'],
    ],
    [
      'R3 in Audit without the webhook',
      { policy: policy({ mode: 'Audit' }), webhook: UNREACHABLE },
      ['Ready=True Auditing', 'Degraded=True WebhookUnreachable'],
    ],
    [
      'R3 with Report without the webhook',
      { policy: policy({ remediation: { action: 'Report' } }), webhook: UNREACHABLE },
      ['Ready=True Reporting', 'Degraded=True WebhookUnreachable'],
    ],
    [
      'R3 with a probe that the API server rejects',
      { webhook: { kind: 'probe-refused', status: 403, words: 'exceeded quota' } },
      ['Ready=True Enforcing', 'Degraded=True ProbeRefused'],
    ],
    [
      'shadowed',
      { policies: [policy({ priority: 1 }, 'first'), policy({})] },
      ['Ready=False Shadowed', 'Degraded=False AsExpected'],
    ],
    [
      'with a policy that selects fewer pods',
      { policies: [policy({ priority: 1, podSelector: { matchLabels: { app: 'web' } } }, 'first')] },
      ['Ready=True Enforcing', 'Degraded=False AsExpected'],
    ],
    ['without pods', { counts: NO_PODS }, ['Ready=True MatchesNothing', 'Degraded=False AsExpected']],
    [
      'with a rival of its priority',
      { counts: { ...NO_PODS, matched: 1, losesTieTo: new Map([['another', 3]]) } },
      ['Ready=True Enforcing', 'Degraded=True Conflicting'],
    ],
    [
      'with an image that lost an architecture',
      { losses: ['Image web:v1 is gone.'] },
      ['Ready=True Enforcing', 'Degraded=True ArchitectureLost'],
    ],
    [
      'with several degradations: the most severe is the reason',
      { losses: ['Image web:v1 is gone.'], webhook: UNREACHABLE },
      ['Ready=True Enforcing', 'Degraded=True WebhookUnreachable'],
    ],
    [
      'R7 with all evictions stopped',
      { brake: { kind: 'paused', violations: 5, owners: ['bank/Deployment/web'], namespaces: 2 } },
      ['Ready=True Enforcing', 'Degraded=True EvictionsStopped'],
    ],
    [
      'R7 with the evictions of one owner stopped',
      { brake: { kind: 'owners-paused', owners: ['bank/Deployment/web'] } },
      ['Ready=True Enforcing', 'Degraded=True OwnersStopped'],
    ],
    ['new', { lastRecheckMs: undefined }, ['Ready=Unknown Checking', 'Degraded=False AsExpected']],
  ])('has the conditions of a policy: %s', (_, changes, expected) => {
    expect(shown(changes)).toEqual(expected);
  });

  test('a new leader keeps the conditions of its predecessor until it has evaluated all pods', () => {
    const before = withConditions({}, {}, { type: 'Degraded', status: 'True' });
    expect(shown({ policy: before, lastRecheckMs: undefined, webhook: UNREACHABLE })).toEqual([
      'Ready=True Before',
      'Degraded=True Before',
    ]);
    expect(shown({ policy: before, webhook: { kind: 'unknown' } })[1]).toBe('Degraded=True Before');
    const edited = withConditions({}, { observedGeneration: 0 });
    expect(shown({ policy: edited, lastRecheckMs: undefined })[0]).toBe('Ready=Unknown Checking');
  });

  test('lastTransitionTime is the time of the last change', () => {
    const before = withConditions({}, {}, { type: 'Degraded', status: 'False' });
    const times = (buildStatus(input({ policy: before, webhook: UNREACHABLE })).conditions ?? []).map(
      ({ type, lastTransitionTime }) => [type, lastTransitionTime],
    );
    expect(times).toEqual([
      ['Ready', EARLIER],
      ['Degraded', '2026-01-01T12:00:00Z'],
    ]);
  });

  const getMessage = (type: string, changes: Partial<StatusInput>): string | undefined =>
    buildStatus(input(changes)).conditions?.find((condition) => condition.type === type)?.message;

  test('the message states why a policy governs no pods', () => {
    const elsewhere = policy({ namespaceSelector: { matchLabels: { team: 'red' } } });
    expect(getMessage('Ready', { policy: elsewhere, counts: NO_PODS })).toContain(
      'namespaceSelector matches no namesp',
    );
    const here = policy({ namespaceSelector: { matchLabels: { team: 'blue' } } });
    expect(getMessage('Ready', { policy: here, counts: NO_PODS })).toContain('its selectors match no pod');
    expect(getMessage('Ready', { policies: [policy({ priority: 7 }, 'first')] })).toContain(
      'policy first selects the same pods',
    );
  });

  test('the message lists all degradations, names a few objects, and is bounded', () => {
    const losesTieTo = new Map(['d', 'c', 'b', 'a'].map((name) => [name, 2]));
    const counts = { ...NO_PODS, matched: 1, losesTieTo };
    const message = getMessage('Degraded', { webhook: UNREACHABLE, counts }) ?? '';
    expect(message).toContain('No replica of the webhook renews its Lease');
    expect(message).toContain('Policy a has the same priority');
    expect(message).toContain('And 1 more policies.');
    expect(message).not.toContain('Policy d ');
    const losses = ['x'.repeat(2_000), 'bearer c2VjcmV0LXRva2Vu'];
    expect(getMessage('Degraded', { losses: ['bearer c2VjcmV0LXRva2Vu'] })).not.toContain('c2VjcmV0');
    expect(getMessage('Degraded', { losses })?.length).toBe(1_024);
  });

  test('an invalid policy gets its errors as message', () => {
    const status = buildInvalidStatus(3, [{ path: 'spec.mode', message: 'write Enforce or Audit' }], NOW);
    const [ready, degraded] = status.conditions ?? [];
    expect(ready).toMatchObject({ type: 'Ready', status: 'False', reason: 'Invalid', observedGeneration: 3 });
    expect(ready?.message).toContain('spec.mode: write Enforce or Audit');
    expect(degraded).toMatchObject({ type: 'Degraded', status: 'True', reason: 'Invalid' });
    // Written as a merge patch: the counts of the valid policy must be reset, except its evictions.
    expect(status).toMatchObject({ architectures: [], workloads: { total: 0, portable: 0 } });
    expect(status.pods).toEqual({
      ...{ matched: 0, constrained: 0, gated: 0, misplaced: 0, unresolved: 0, unschedulable: 0 },
    });
  });
});

describe('evictions since the policy was created', () => {
  const stored = (evicted: number, uid = 'one'): ArchPolicy => ({
    ...policy({}, 'default', { status: { pods: { evicted } } }),
    uid,
  });

  test('continue from the status of the previous leader', () => {
    const counts = new EvictedCounts();
    counts.add('default');
    expect(counts.total(stored(5))).toBe(6);
    counts.add('default');
    // The watch returned our own write: it is not counted twice.
    expect(counts.total(stored(6))).toBe(7);
  });

  test('restart at zero for a recreated policy', () => {
    const counts = new EvictedCounts();
    counts.add('default');
    counts.total(stored(5));
    expect(counts.total(stored(0, 'two'))).toBe(0);
  });

  test('of a deleted policy are dropped', () => {
    const counts = new EvictedCounts();
    counts.add('default');
    counts.total(stored(5));
    counts.add('never-seen');
    for (const name of ['default', 'never-seen']) counts.drop(name);
    expect(counts.size).toBe(0);
  });
});
