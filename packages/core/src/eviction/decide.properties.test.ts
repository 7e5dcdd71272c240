import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ContainerEvidence, NodeFacts, OwnerReference, PodFacts } from '../kubernetes/facts.ts';
import type { Inspection } from '../inspection/inspection.ts';
import { runsOn } from '../platform/supported.ts';
import { assessPlacement } from './assess.ts';
import { decideEviction } from './decide.ts';
import type { EvictionInput, RemediationPolicy } from './input.ts';
import { LEAVE_REASONS, REPORT_REASONS, WAIT_REASONS } from './decision.ts';
import { container, node, REMEDIATION, resolved, without } from './fixtures/objects.ts';
import { READY_AFTER_MS } from './has-run.ts';
import type { EvictionLimit } from './ledger.ts';
import { evaluateReplacement } from './owner.ts';

const NOW = 10_000_000;

/** Mostly the usual value, to which no rule objects: else almost every case would have an objection. */
const mostly = <T>(usual: T, ...rarer: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 15, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...rarer) });
const time = fc.oneof(fc.constant(0), fc.integer({ min: NOW - 600_000, max: NOW + 10_000 }));
const owned = (apiVersion: string, kind: string): OwnerReference => ({ apiVersion, kind, name: 'o', uid: 'o' });

const owners = mostly<OwnerReference | undefined>(
  owned('apps/v1', 'ReplicaSet'),
  owned('apps/v1', 'StatefulSet'),
  owned('apps/v1', 'DaemonSet'),
  owned('batch/v1', 'Job'),
  owned('v1', 'Node'),
  undefined,
);

const containers: fc.Arbitrary<ContainerEvidence> = fc
  .record({
    image: fc.constantFrom('a', 'b'),
    running: fc.boolean(),
    runningForMs: mostly(500, 60_000),
    seconds: mostly(0, 3_600),
    restartCount: fc.nat(3),
    ready: fc.boolean(),
    waiting: fc.constantFrom('', 'no match for platform in manifest', 'pull QPS exceeded'),
    exit: mostly(1, 0, 2, 137, 255),
    message: fc.constantFrom('', 'exec /app: exec format error', 'panic'),
  })
  .map(({ image, running, runningForMs, ready, waiting, exit, message, seconds, restartCount }) =>
    container({
      image,
      running,
      ...(running && { runningSinceMs: NOW - runningForMs }),
      restartCount,
      ready,
      ...(waiting !== '' && { waiting: { reason: 'ErrImagePull', message: waiting } }),
      lastTerminated: { reason: 'Error', exitCode: exit, message, seconds },
    }),
  );

const pods: fc.Arbitrary<PodFacts> = fc
  .record({
    owner: owners,
    bound: mostly(true, false),
    phase: mostly<PodFacts['phase']>('Running', 'Pending', 'Succeeded', 'Failed', 'Unknown'),
    deleting: mostly(false, true),
    ready: fc.oneof(
      fc.record({ value: fc.boolean(), sinceMs: time }),
      fc.record({ value: fc.constant(false), sinceMs: time, turnedFalse: fc.constant(true as const) }),
    ),
    scheduled: fc.record({ value: fc.boolean(), sinceMs: time }),
    createdAtMs: time,
    annotations: mostly({}, { 'archpolicy.dev/allow-eviction': 'false' }, { 'kubernetes.io/config.mirror': 'x' }),
    containers: fc.array(containers, { maxLength: 3 }),
    images: fc.subarray(['a', 'b']),
  })
  .map(({ owner, bound, ...changes }) => {
    const facts = bound ? without('owner', changes) : without('nodeName', changes);
    return owner === undefined ? facts : { ...facts, owner };
  });

const nodes: fc.Arbitrary<NodeFacts> = fc
  .record({
    architecture: mostly('amd64', 'arm64', 's390x'),
    label: mostly('amd64', 'arm64'),
    ready: mostly(true, false),
  })
  .map(({ architecture, label, ready }) =>
    node({ ready, architecture, labels: { 'kubernetes.io/arch': label, 'kubernetes.io/os': 'linux' } }),
  );

const inspection: fc.Arbitrary<Inspection> = fc.oneof(
  fc
    .subarray(['linux/amd64', 'linux/arm64', 'linux/arm/v7', 'windows/amd64'], { minLength: 1 })
    .map((platforms) => resolved(...platforms)),
  fc.constantFrom<Inspection>(
    { kind: 'unresolved', reason: 'NotFound' },
    { kind: 'unresolved', reason: 'RateLimited' },
  ),
);

const policies = fc
  .record({
    mode: mostly<RemediationPolicy['mode']>('Enforce', 'Audit'),
    action: mostly<RemediationPolicy['remediation']['action']>('Evict', 'Report'),
    includeReady: fc.boolean(),
  })
  .map(({ mode, ...changes }): RemediationPolicy => ({ mode, remediation: { ...REMEDIATION, ...changes } }));

interface World {
  readonly input: EvictionInput;
  readonly inspections: ReadonlyMap<string, Inspection>;
}

const worlds: fc.Arbitrary<World> = fc
  .record({
    pod: pods,
    node: nodes,
    images: fc.record({ a: inspection, b: inspection }),
    policy: fc.option(policies, { freq: 10, nil: undefined }),
    skipped: mostly(false, true),
    namespaceDeleting: mostly(false, true),
    hasBeenReady: mostly(false, true),
    webhook: mostly<EvictionInput['webhook']>('reachable', 'unreachable', 'not-called', 'not-installed', 'unknown'),
    forecast: mostly<EvictionInput['forecast']>('right', 'from-zero', 'no-node', 'same-node'),
    limit: mostly<EvictionLimit>({ kind: 'free' }, { kind: 'limited', reason: 'OwnerLimit', untilMs: NOW + 1 }),
    evictedBefore: mostly(false, true),
  })
  .map(({ images, policy, ...rest }) => {
    const inspections = new Map(Object.entries(images));
    return {
      inspections,
      input: {
        ...rest,
        nowMs: NOW,
        ...(policy !== undefined && { policy }),
        assessment: assessPlacement({
          nowMs: NOW,
          pod: rest.pod,
          node: rest.node,
          inspections,
          policy: { images: [], whenNoCommonArchitecture: 'Admit' },
        }),
        replacement: evaluateReplacement(rest.pod, undefined, []),
      },
    };
  });

const readyForMs = ({ ready }: PodFacts): number => (ready.value ? NOW - ready.sinceMs : 0);
const boundForMs = ({ scheduled, createdAtMs }: PodFacts): number =>
  NOW - (scheduled.value ? scheduled.sinceMs : createdAtMs);
const cannotRun = (known: Inspection | undefined, on: NodeFacts | undefined): boolean =>
  known?.kind === 'resolved' && on !== undefined && !runsOn(known.facts, on);

/** Most cases have an objection. With this many runs some are evictions, which the tests check. */
const RUNS = { numRuns: 5_000 };

test('R1 R2 R3 R5 R6 R10 P3 a pod that any rule protects is never evicted', () => {
  let evictions = 0;
  fc.assert(
    fc.property(worlds, ({ input, inspections }) => {
      if (decideEviction(input).kind !== 'evict') return;
      evictions += 1;
      const { pod, node: theNode, policy } = input;
      expect(policy).toMatchObject({ mode: 'Enforce', remediation: { action: 'Evict' } });
      expect(['ReplicaSet', 'StatefulSet']).toContain(pod.owner?.kind);
      expect(pod.annotations).toEqual({});
      expect(pod.deleting || pod.phase === 'Succeeded' || pod.phase === 'Failed').toBe(false);
      expect(readyForMs(pod) < READY_AFTER_MS || policy?.remediation.includeReady).toBe(true);
      expect(boundForMs(pod)).toBeGreaterThanOrEqual(30_000);
      expect(theNode?.ready).toBe(true);
      expect(theNode?.labels['kubernetes.io/arch']).toBe(theNode?.architecture);
      expect(input).toMatchObject({
        webhook: 'reachable',
        skipped: false,
        namespaceDeleting: false,
        evictedBefore: false,
      });
      expect(['right', 'from-zero']).toContain(input.forecast);
      expect(input.limit.kind).toBe('free');
      expect(pod.images.some((image) => cannotRun(inspections.get(image), theNode))).toBe(true);
    }),
    RUNS,
  );
  expect(evictions).toBeGreaterThan(50);
});

test('R10 a pod that was Ready for ten seconds is never evicted without a refusal, independent of its later status', () => {
  const refuses = ({ waiting, terminated, lastTerminated }: ContainerEvidence): boolean =>
    [waiting?.message, terminated?.message, lastTerminated?.message].some((text) =>
      /no match for platform|exec format error/u.test(text ?? ''),
    );
  let protectedPods = 0;
  fc.assert(
    fc.property(worlds, fc.boolean(), ({ input, inspections }, byCondition) => {
      const { pod, node: theNode, policy } = input;
      const isUnsupported = ({ image }: ContainerEvidence): boolean => cannotRun(inspections.get(image), theNode);
      const containers = pod.containers.filter((one) => !isUnsupported(one) || !refuses(one));
      const ready = byCondition ? { value: true, sinceMs: NOW - READY_AFTER_MS } : pod.ready;
      const lived: EvictionInput = { ...input, pod: { ...pod, containers, ready }, hasBeenReady: !byCondition };
      const decision = decideEviction(lived);
      if (policy?.remediation.includeReady !== true) expect(decision.kind).not.toBe('evict');
      if (decision.reason === 'ReadyOnWrongArchitecture') protectedPods += 1;
    }),
    RUNS,
  );
  expect(protectedPods).toBeGreaterThan(50);
});

test('R8 an eviction always has the UID as a precondition, and the version unless the pod is Ready', () => {
  fc.assert(
    fc.property(worlds, ({ input }) => {
      const decision = decideEviction(input);
      if (decision.kind !== 'evict') return;
      const { uid, resourceVersion, ready } = input.pod;
      expect(decision.preconditions).toEqual(ready.value ? { uid } : { uid, resourceVersion });
    }),
    RUNS,
  );
});

test('every reason is one of the closed sets, and a wait ends in the future', () => {
  const sets = { leave: LEAVE_REASONS, report: REPORT_REASONS, wait: WAIT_REASONS, evict: ['Misplaced'] };
  fc.assert(
    fc.property(worlds, ({ input }) => {
      const decision = decideEviction(input);
      expect(sets[decision.kind]).toContain(decision.reason);
      if (decision.kind === 'wait' && decision.untilMs !== undefined) expect(decision.untilMs).toBeGreaterThan(NOW);
    }),
    RUNS,
  );
});

test('R1 mode Audit and action Report never evict', () => {
  fc.assert(
    fc.property(worlds, fc.constantFrom('Audit', 'Report'), ({ input }, switchedOff) => {
      if (input.policy === undefined) return;
      const { mode, remediation } = input.policy;
      const policy =
        switchedOff === 'Audit'
          ? { mode: 'Audit' as const, remediation }
          : { mode, remediation: { ...remediation, action: 'Report' as const } };
      expect(decideEviction({ ...input, policy }).kind).not.toBe('evict');
    }),
    RUNS,
  );
});
