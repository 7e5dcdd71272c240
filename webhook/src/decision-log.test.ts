import { beforeEach, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { parseArchPolicy } from '@archpolicy/core';
import type { ArchPolicy, Inspection, JsonObject, PlacementDecision } from '@archpolicy/core';
import { createLogger } from '@archpolicy/service';
import { DecisionLog } from './decision-log.ts';
import { WebhookError } from './errors.ts';
import type { DecidedPod } from './mutate/pod-mutator.ts';

const DIGEST = `sha256:${'0'.repeat(64)}`;
const RESOLVED: Inspection = {
  kind: 'resolved',
  facts: { digest: DIGEST, platforms: [{ os: 'linux', architecture: 'arm64' }], neutral: false },
  source: 'memory',
  ageMs: 0,
};
const MISSING: Inspection = { kind: 'unresolved', reason: 'NotFound', retryAtMs: 0 };
const OWNER = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d4f', uid: 'rs', controller: true };

let clock: FakeClock;
let lines: Record<string, unknown>[];

beforeEach(() => {
  clock = new FakeClock();
  lines = [];
});

function newLog(level: 'debug' | 'info'): DecisionLog {
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
  return new DecisionLog({ logger: createLogger({ name: 'test', level, destination }), clock });
}

function policy(): ArchPolicy {
  const parsed = parseArchPolicy({ metadata: { name: 'default' }, spec: {} });
  if (parsed.kind === 'failed') throw new Error('invalid');
  return parsed.value;
}

interface Changes {
  readonly namespace?: string;
  readonly reason?: Extract<PlacementDecision, { kind: 'leave' }>['reason'];
  readonly metadata?: JsonObject;
  readonly images?: ReadonlyMap<string, Inspection>;
}

function decided({ namespace = 'shop', reason = 'NothingToConstrain', metadata, images }: Changes = {}): DecidedPod {
  const object = { metadata: metadata ?? { generateName: 'web-5d4f-', ownerReferences: [OWNER] } };
  const decision = { kind: 'leave', reason, unresolved: [], warnings: [] } as const;
  return {
    request: { uid: '705ab4f5-0000', namespace, object },
    placed: { decision, patch: [], warnings: [], auditAnnotations: {} },
    policy: policy(),
    images: images ?? new Map(),
  };
}

test('a line joins with the pod, its owner, the request in the audit log, and the images by digest', () => {
  newLog('debug').decided(decided({ images: new Map([['app:1', RESOLVED]]) }));
  expect(lines).toEqual([
    expect.objectContaining({
      ...{ level: 'debug', msg: 'placement decided', namespace: 'shop', generateName: 'web-5d4f-' },
      ...{ owner: 'ReplicaSet/web-5d4f', request: '705ab4f5-0000', policy: 'default', mode: 'Enforce' },
      ...{ kind: 'leave', reason: 'NothingToConstrain', images: [{ image: 'app:1', digest: DIGEST }] },
    }),
  ]);
});

test('a decision that the policy did not intend has level info, with the images that are unresolved', () => {
  const log = newLog('info');
  log.decided(decided());
  log.decided(decided({ reason: 'Unresolved', images: new Map([['app:1', MISSING]]), metadata: { name: 'web-0' } }));
  expect(lines).toEqual([
    expect.objectContaining({
      ...{ level: 'info', pod: 'web-0', reason: 'Unresolved', images: [{ image: 'app:1', unresolved: 'NotFound' }] },
    }),
  ]);
});

test('a tenant that creates thousands of pods gets ten lines, and another namespace still gets its own', async () => {
  const log = newLog('info');
  for (let pods = 0; pods < 5_000; pods += 1) log.decided(decided({ reason: 'Unresolved' }));
  for (let pods = 0; pods < 50; pods += 1)
    log.failed({ ...request('shop') }, new WebhookError('DecisionFailed', 'bug'));
  log.decided(decided({ reason: 'Unresolved', namespace: 'bank' }));
  const count = (level: string, namespace: string): number =>
    lines.filter((line) => line['level'] === level && line['namespace'] === namespace).length;
  expect([count('info', 'shop'), count('error', 'shop'), count('info', 'bank')]).toEqual([10, 10, 1]);
  expect(lines.at(-1)).toMatchObject({ namespace: 'bank', suppressed: 4_990 });
  await clock.advance(60_000);
  for (let pods = 0; pods < 100; pods += 1) log.decided(decided({ reason: 'Unresolved' }));
  expect(count('info', 'shop')).toBe(16);
});

test('with level debug, a line that the limit leaves out is written with level debug', () => {
  const log = newLog('debug');
  for (let pods = 0; pods < 12; pods += 1) log.decided(decided({ reason: 'Unresolved' }));
  expect(lines.map(({ level }) => level)).toEqual([...Array<string>(10).fill('info'), 'debug', 'debug']);
});

test('a failed decision has the same fields, and no line is longer than the bounds of its fields', () => {
  const long = 'x'.repeat(100_000);
  const metadata = { name: long, ownerReferences: [{ ...OWNER, name: long }] };
  const images = new Map(Array.from({ length: 500 }, (_, at) => [`${long}:${at}`, RESOLVED] as const));
  const log = newLog('debug');
  log.decided(decided({ metadata, images, reason: 'Oversized' }));
  log.failed({ ...request('shop'), object: { metadata } }, new WebhookError('DeadlinePassed', 'late'));
  expect(lines[0]).toMatchObject({ furtherImages: 492 });
  expect(lines[1]).toMatchObject({
    request: 'u',
    owner: `ReplicaSet/${'x'.repeat(253)}`,
    err: { code: 'DeadlinePassed' },
  });
  expect(Math.max(...lines.map((line) => JSON.stringify(line).length))).toBeLessThan(8_192);
});

function request(namespace: string) {
  return { uid: 'u', createsPod: true, namespace, dryRun: false, object: {}, bytes: 2 };
}
