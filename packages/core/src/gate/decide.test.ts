import { describe, expect, test } from '@jest/globals';
import type { Row } from '../placement/fixtures/row.ts';
import { decideGate } from './decide.ts';
import { gatedInput } from './fixtures/gated-pod.ts';

const slow: Row = { images: { web: 'unresolved Deadline' } };
const both = { web: 'linux/amd64 linux/arm64' };
const arm = { web: 'linux/arm64' };

interface Case {
  readonly why: string;
  /** The row at admission; `now` replaces it for the second decision. */
  readonly row?: Row;
  readonly now?: Row;
  readonly later?: Readonly<Record<string, string>>;
  readonly waitedMs?: number;
  readonly then: string;
}

function outcome({ row = slow, now, later = {}, waitedMs }: Case): string {
  const decided = decideGate(
    gatedInput(row, later, { ...(now !== undefined && { now }), ...(waitedMs !== undefined && { waitedMs }) }),
  );
  if (decided.kind === 'wait') {
    return `wait ${decided.remainingMs}: ${decided.unresolved.map(({ image, reason }) => `${image} ${reason}`).join()}`;
  }
  const { decision, timedOut } = decided;
  const architectures = decision.kind === 'constrain' ? decision.architectures : [];
  return ['lift', decision.kind, decision.reason, ...architectures, ...(timedOut ? ['timed out'] : [])].join(' ');
}

const fallback: Row = { ...slow, policy: { fallbackArchitecture: 'amd64' } };

const cases: readonly Case[] = [
  { why: 'PL9 no image is resolved yet', then: 'wait 59000: web Deadline' },
  { why: 'PL9 its image is resolved', later: arm, then: 'lift constrain ImagesSupport arm64' },
  {
    why: 'PL9 a preference counts when all images are resolved',
    row: { ...slow, policy: { preference: { architectures: ['amd64'] } } },
    later: both,
    then: 'lift constrain Preferred amd64',
  },
  {
    why: 'PL9 one image is resolved, the other is not yet',
    row: { images: { web: 'unresolved Deadline', db: 'unresolved Deadline' } },
    later: arm,
    then: 'wait 59000: db Deadline',
  },
  {
    why: "PL2 what admission added for the resolved image is not mistaken for the owner's choice",
    row: {
      images: { web: 'linux/amd64 linux/arm64', db: 'unresolved Deadline' },
      policy: { preference: { architectures: ['arm64'] } },
    },
    later: { ...both, db: 'linux/amd64 linux/arm64' },
    then: 'lift constrain Preferred arm64',
  },
  ...['Unauthorized', 'NotFound', 'Blocked', 'Malformed', 'TooLarge', 'BreakerOpen', 'UnknownPlatform'].map(
    (reason) => ({
      why: `PL9 ${reason} is final: lifted at once`,
      later: { web: `unresolved ${reason}` },
      then: 'lift leave Unresolved',
    }),
  ),
  ...['Deadline', 'RateLimited', 'Unavailable'].map((reason) => ({
    why: `PL9 ${reason} is not final`,
    later: { web: `unresolved ${reason}` },
    then: `wait 59000: web ${reason}`,
  })),
  {
    why: 'PL9 rate limited for less than the remaining time',
    later: { web: 'unresolved RateLimited 1058999' },
    then: 'wait 59000: web RateLimited',
  },
  {
    why: 'PL9 rate limited for longer than the remaining time: lifted at once',
    later: { web: 'unresolved RateLimited 1059000' },
    then: 'lift leave Unresolved',
  },
  { why: 'PL9 one millisecond before the timeout', waitedMs: 59_999, then: 'wait 1: web Deadline' },
  { why: 'PL9 at the timeout', waitedMs: 60_000, then: 'lift leave Unresolved timed out' },
  {
    why: 'PL9 at the timeout, with all images resolved',
    waitedMs: 3_600_000,
    later: arm,
    then: 'lift constrain ImagesSupport arm64',
  },
  {
    why: 'PL9 at the timeout: fallback',
    row: fallback,
    waitedMs: 60_000,
    then: 'lift constrain Fallback amd64 timed out',
  },
  { why: 'PL9 no fallback before the timeout', row: fallback, then: 'wait 59000: web Deadline' },
  {
    why: 'PL9 a final result ends the wait: the fallback is used at once',
    row: fallback,
    later: { web: 'unresolved NotFound' },
    then: 'lift constrain Fallback amd64',
  },
  {
    why: 'PL9 a final result without a fallback: Gate then means Admit',
    row: slow,
    later: { web: 'unresolved NotFound' },
    then: 'lift leave Unresolved',
  },
  {
    why: 'PL9 at the timeout the resolved images constrain',
    row: { images: { web: 'unresolved Deadline', db: 'unresolved Deadline' } },
    later: arm,
    waitedMs: 60_000,
    then: 'lift constrain PartlyKnown arm64 timed out',
  },
  {
    why: 'PL9 the policy now has another timeout',
    now: { ...slow, policy: { gateTimeout: '10s' } },
    waitedMs: 10_000,
    then: 'lift leave Unresolved timed out',
  },
  { why: 'PL12 the policy was deleted', now: { ...slow, policy: null }, then: 'lift leave NoPolicy' },
  {
    why: 'PL12 the policy is now in mode Audit',
    now: { ...slow, policy: { mode: 'Audit' } },
    then: 'lift leave Audit',
  },
  {
    why: 'PL12 the policy now admits unresolved images',
    now: { ...slow, policy: { whenUnresolved: 'Admit' } },
    then: 'lift leave Unresolved',
  },
  {
    why: 'PL12 the policy now uses the fallback',
    now: { ...slow, policy: { whenUnresolved: 'Fallback', fallbackArchitecture: 'arm64' } },
    then: 'lift constrain Fallback arm64',
  },
  {
    why: 'PL12 the policy now denies, which is too late',
    now: { ...slow, policy: { whenUnresolved: 'Deny' } },
    then: 'lift deny Unresolved',
  },
  {
    why: 'PL12 the images turn out to have no common architecture, which the policy denies: also too late',
    row: {
      images: { web: 'unresolved Deadline', db: 'unresolved Deadline' },
      policy: { whenNoCommonArchitecture: 'Deny' },
    },
    later: { web: 'linux/amd64', db: 'linux/arm64' },
    then: 'lift deny NoCommonArchitecture',
  },
  {
    why: 'PL12 the namespace now has the skip label',
    now: { ...slow, namespace: { labels: { 'archpolicy.dev/skip': 'true' } } },
    then: 'lift leave Skipped',
  },
  { why: 'PL12 the namespace is unknown', now: { ...slow, namespace: null }, then: 'lift leave NamespaceUnknown' },
  {
    why: 'PL12 the policy now declares the platforms of the image',
    now: { ...slow, policy: { images: [{ match: 'docker.io/library/web', platforms: ['linux/arm64'] }] } },
    then: 'lift constrain ImagesSupport arm64',
  },
];

describe('the decision about a gated pod', () => {
  test.each(cases.map((row): [string, Case] => [row.why, row]))('%s', (_, row) => {
    expect(outcome(row)).toBe(row.then);
  });

  test('PL12 the skip label was set on the gated pod', () => {
    const input = gatedInput(slow, {});
    const metadata = { name: 'app', labels: { 'archpolicy.dev/skip': 'true' } };
    expect(decideGate({ ...input, pod: { ...input.pod, metadata } })).toMatchObject({
      kind: 'lift',
      decision: { kind: 'leave', reason: 'Skipped' },
    });
  });
});
