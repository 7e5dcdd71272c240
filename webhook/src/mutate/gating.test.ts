import { describe, expect, test } from '@jest/globals';
import { MAX_WARNING_LENGTH, parseArchPolicy } from '@archpolicy/core';
import type { ArchPolicy, Inspection, JsonObject, UnresolvedReason } from '@archpolicy/core';
import { createLogger } from '@archpolicy/service';
import { FakeClock } from '@archpolicy/testkit';
import { createAdmission } from '../admission.ts';
import { NO_PULL_SECRETS, body, container, pod, review } from '../fixtures/reviews.ts';
import type { JobDeadline } from './ports.ts';

function policy(spec: JsonObject): ArchPolicy {
  const parsed = parseArchPolicy({ metadata: { name: 'default' }, spec });
  if (parsed.kind === 'failed') throw new Error(JSON.stringify(parsed.failure));
  return parsed.value;
}

const arm64: Inspection = {
  kind: 'resolved',
  facts: { digest: `sha256:${'0'.repeat(64)}`, platforms: [{ os: 'linux', architecture: 'arm64' }], neutral: false },
  source: 'memory',
  ageMs: 0,
};

interface Case {
  readonly object?: JsonObject;
  /** The failure of every image except `known`. */
  readonly reason?: UnresolvedReason;
  readonly spec?: JsonObject;
  readonly canGate?: boolean;
  readonly job?: JobDeadline;
  readonly isDryRun?: boolean;
}

interface Answered {
  readonly outcome: string;
  readonly patch: string;
  readonly warnings: readonly string[];
  /** Jobs that were read. */
  readonly read: readonly string[];
}

/** Sends a review to the complete admission, with constant views and inspector. */
async function answer(given: Case): Promise<Answered> {
  const { object, reason = 'Deadline', spec = {}, canGate = true, job } = given;
  const read: string[] = [];
  const labels = { 'kubernetes.io/arch': 'arm64' };
  const node = {
    uid: 'n',
    labels,
    taints: [],
    ready: true,
    cordoned: false,
    os: 'linux',
    name: 'a',
    architecture: 'arm64',
  };
  const clock = new FakeClock();
  const { handler } = createAdmission({
    view: {
      policies: { list: () => [policy(spec)] },
      namespaces: {
        get: () => ({ name: 'shop', labels: {}, annotations: {} }),
        fetch: () => Promise.resolve(undefined),
      },
      nodes: { list: () => [node] },
    },
    jobs: {
      readDeadline: (namespace, { name }) => {
        read.push(`${namespace}/${name}`);
        return Promise.resolve(job ?? { kind: 'unknown' });
      },
    },
    pullSecrets: NO_PULL_SECRETS,
    inspector: {
      inspect: ({ reference }) => Promise.resolve(reference === 'known' ? arm64 : { kind: 'unresolved', reason }),
    },
    metrics: { review: () => undefined, decision: () => undefined, audit: () => undefined },
    clock,
    logger: createLogger({ name: 'test', level: 'error', destination: { write: () => undefined } }),
    inspectionBudgetMs: 400,
    canGate: () => canGate,
  });
  const arrivedAt = clock.monotonic();
  const bytes = body(review(object ?? pod({ containers: [container('slow')] }), { dryRun: given.isDryRun === true }));
  const { body: text } = await handler.handle(bytes, { arrivedAt, deadline: arrivedAt + 60_000 });
  const { response } = JSON.parse(text) as {
    response: { allowed: boolean; patch?: string; warnings?: readonly string[] };
  };
  const patch = Buffer.from(response.patch ?? '', 'base64').toString();
  const words = [
    ...(response.allowed ? [] : ['refused']),
    ...(patch.includes('archpolicy.dev/inspecting"') && patch.includes('/spec/schedulingGates') ? ['gated'] : []),
    ...(/"values":\["(\w+)"\]/u.exec(patch) ?? []).slice(1),
  ];
  return { outcome: words.join(' ') || 'admitted', patch, read, warnings: response.warnings ?? [] };
}

const ofJob = (spec: JsonObject = {}): JsonObject =>
  pod(
    { containers: [container('slow')], ...spec },
    { ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'nightly', uid: 'j', controller: true }] },
  );

describe('PL9 a pod with an image that is not inspected in time', () => {
  test.each<[string, Case, string]>([
    ['gated', {}, 'gated'],
    [
      'gated with the requirement of its known image',
      { object: pod({ containers: [container('known'), container('slow', 'b')] }) },
      'gated arm64',
    ],
    ['admitted while the operator is down', { canGate: false }, 'admitted'],
    [
      'admitted, with the requirement of its known image',
      { canGate: false, object: pod({ containers: [container('known'), container('slow', 'b')] }) },
      'arm64',
    ],
    ['admitted if the failure is final', { reason: 'NotFound' }, 'admitted'],
    ['admitted under whenUnresolved: Admit', { spec: { whenUnresolved: 'Admit' } }, 'admitted'],
    ['constrained to the fallback', { spec: { whenUnresolved: 'Fallback', fallbackArchitecture: 'arm64' } }, 'arm64'],
    ['rejected under whenUnresolved: Deny', { spec: { whenUnresolved: 'Deny' } }, 'refused'],
    [
      'rejected under whenUnresolved: Deny also while the operator is down',
      { spec: { whenUnresolved: 'Deny' }, canGate: false },
      'refused',
    ],
    [
      'admitted if its own deadline is short',
      { object: pod({ containers: [container('slow')], activeDeadlineSeconds: 179 }) },
      'admitted',
    ],
  ])('%s', async (_, given, expected) => {
    const { outcome, patch, read } = await answer(given);
    expect(outcome).toBe(expected);
    expect(read).toEqual([]);
    if (outcome.startsWith('gated')) expect(patch).not.toMatch(/tolerations|preferredDuring/u);
  });

  test.each<[string, Case, string, readonly string[]]>([
    ['without a deadline: gated', { job: { kind: 'known' } }, 'gated', ['shop/nightly']],
    ['with a long deadline: gated', { job: { kind: 'known', seconds: 180 } }, 'gated', ['shop/nightly']],
    ['with a short deadline: admitted', { job: { kind: 'known', seconds: 179 } }, 'admitted', ['shop/nightly']],
    ['that cannot be read: admitted', { job: { kind: 'unknown' } }, 'admitted', ['shop/nightly']],
    ['is not read if the policy does not gate', { spec: { whenUnresolved: 'Admit' } }, 'admitted', []],
    ['is not read for a final failure', { reason: 'Unauthorized' }, 'admitted', []],
    [
      'is not read when the pod’s own deadline decides',
      { object: ofJob({ activeDeadlineSeconds: 1 }) },
      'admitted',
      [],
    ],
  ])('its Job %s', async (_, given, expected, jobs) => {
    const { outcome, read } = await answer({ object: ofJob(), ...given });
    expect({ outcome, read }).toEqual({ outcome: expected, read: jobs });
  });

  test.each<[string, Case, string, readonly string[]]>([
    ['is decided like a creation', {}, 'gated', ['platforms of an image are not known yet']],
    [
      'is decided like a creation with more images',
      { object: pod({ containers: [container('slow'), container('slower', 'b'), container('known', 'c')] }) },
      'gated arm64',
      ['platforms of 2 images are not known yet'],
    ],
    ['has no warning if all images are known', { object: pod({ containers: [container('known')] }) }, 'arm64', []],
    ['has no warning if waiting does not help', { reason: 'NotFound', canGate: false }, 'admitted', []],
  ])('a dry run %s', async (_, given, expected, warned) => {
    const { outcome, warnings } = await answer({ ...given, isDryRun: true });
    expect(outcome).toBe(expected);
    const ofDryRun = warnings.filter((warning) => warning.includes('dry run'));
    expect(ofDryRun).toEqual(
      warned.map((text) => `archpolicy: dry run: ${text}; a created pod may be placed differently`),
    );
    for (const warning of ofDryRun) expect(warning.length).toBeLessThanOrEqual(MAX_WARNING_LENGTH);
    expect((await answer(given)).warnings.filter((warning) => warning.includes('dry run'))).toEqual([]);
  });
});
