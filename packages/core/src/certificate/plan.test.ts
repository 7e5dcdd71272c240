import { describe, expect, test } from '@jest/globals';
import type { AuthoritySecret, BundleFact, CertificateFact, CertificateFacts, ServingSecret } from './facts.ts';
import { planCertificates } from './plan.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 0, 1);
const LIFETIMES = { servingMs: 7 * DAY, authorityMs: 365 * DAY };
const LONG = 30 * DAY;

/** A CA that was issued at this age. */
const authority = (id: string, ageMs = 30 * DAY): CertificateFact => ({
  id,
  notBeforeMs: NOW - ageMs - HOUR,
  notAfterMs: NOW - ageMs + LIFETIMES.authorityMs,
});
const A = authority('A');
const OLD = authority('old', 250 * DAY);
const EXPIRED = authority('expired', 366 * DAY);
const X = authority('X', DAY);

const signs = (signing: CertificateFact, ...older: CertificateFact[]): AuthoritySecret => ({
  kind: 'usable',
  signing,
  older,
});
const leaf = (issuer: CertificateFact | undefined, ageMs = DAY): Extract<ServingSecret, { kind: 'usable' }> => ({
  kind: 'usable',
  notBeforeMs: NOW - ageMs - HOUR,
  notAfterMs: NOW - ageMs + LIFETIMES.servingMs,
  issuer,
  hasNames: true,
});
const trusts = (...certificates: CertificateFact[]): BundleFact[] =>
  [1, 2].map(() => ({ certificates, isCorrupt: false }));
const absent = { kind: 'absent' } as const;
const managed = { kind: 'managed', by: 'cert-manager' } as const;

/** A healthy installation, long after its last change. */
const HEALTHY: CertificateFacts = {
  authority: signs(A),
  serving: leaf(A),
  bundles: trusts(A),
  authorityTrustedForMs: LONG,
  servingStoredForMs: LONG,
  clockSkewMs: 0,
  lifetimes: LIFETIMES,
};

/** The kind, the cause and, of a bundle, the ids: `widen-bundle incomplete: A X`. */
function outcome(facts: Partial<CertificateFacts>, nowMs = NOW): string {
  const plan = planCertificates({ ...HEALTHY, ...facts }, nowMs);
  switch (plan.kind) {
    case 'keep':
      return plan.reviewInMs === undefined ? 'keep' : `keep, review in ${plan.reviewInMs / 1000} s`;
    case 'leave-alone':
      return plan.reason === 'managed'
        ? `leave alone: ${plan.secret} is managed by ${plan.by}`
        : `leave alone: clocks differ by ${plan.skewMs / 1000} s`;
    case 'issue-authority':
      return `issue CA (${plan.cause})${plan.older.length === 0 ? '' : `, keep ${plan.older.join(' ')}`}`;
    case 'issue-serving':
      return `issue leaf (${plan.cause})`;
    case 'widen-bundle':
    case 'narrow-bundle':
      return `${plan.kind} (${plan.cause}): ${plan.certificates.join(' ')}`;
  }
}

const NOTHING = { authority: absent, serving: absent, bundles: trusts() };
const NEW = { authorityTrustedForMs: 0, servingStoredForMs: 0 };

describe('the plan of certificates', () => {
  test.each<[string, Partial<CertificateFacts>, string]>([
    ['all is well', {}, 'keep'],
    // Installation.
    ['nothing there', NOTHING, 'issue CA (missing)'],
    ['a CA that is not trusted yet', { ...NOTHING, ...NEW, authority: signs(A) }, 'widen-bundle (incomplete): A'],
    ['a CA that is trusted', { ...NEW, serving: absent }, 'issue leaf (missing)'],
    ['configuration missing', { ...NOTHING, bundles: [] }, 'issue CA (missing)'],
    ['configuration missing, with a CA', { ...NEW, serving: absent, bundles: [] }, 'issue leaf (missing)'],
    ['configuration missing, with both Secrets', { bundles: [] }, 'keep'],
    // One Secret of two.
    ['only the leaf, whose CA is trusted', { authority: absent }, 'issue CA (missing)'],
    ['only the leaf: a new CA', { authority: signs(X) }, 'widen-bundle (incomplete): X A'],
    [
      'only the leaf: the new CA, trusted for a minute',
      { authority: signs(X), bundles: trusts(X, A), authorityTrustedForMs: MINUTE },
      'keep, review in 540 s',
    ],
    ['only the CA', { serving: absent }, 'issue leaf (missing)'],
    // The leaf.
    ['a leaf past two thirds', { serving: leaf(A, 5 * DAY) }, 'issue leaf (due)'],
    ['a leaf before two thirds', { serving: leaf(A, 4.6 * DAY) }, 'keep'],
    ['expired leaf', { serving: leaf(A, 8 * DAY) }, 'issue leaf (expired)'],
    ['wrong names', { serving: { ...leaf(A), hasNames: false } }, 'issue leaf (wrong-names)'],
    ['corrupt PEM of the leaf', { serving: { kind: 'unusable', cause: 'corrupt' } }, 'issue leaf (corrupt)'],
    ['wrong key of the leaf', { serving: { kind: 'unusable', cause: 'key-mismatch' } }, 'issue leaf (key-mismatch)'],
    ['foreign CA: it signed the leaf', { serving: leaf(undefined) }, 'issue leaf (foreign)'],
    // The CA.
    [
      'a CA past two thirds',
      { authority: signs(OLD), serving: leaf(OLD), bundles: trusts(OLD) },
      'issue CA (due), keep old',
    ],
    [
      'expired CA',
      { authority: signs(EXPIRED, OLD), serving: leaf(EXPIRED, 8 * DAY), bundles: trusts(EXPIRED) },
      'widen-bundle (incomplete): old expired',
    ],
    [
      'expired CA that signs',
      { authority: signs(EXPIRED), serving: leaf(EXPIRED, 8 * DAY), bundles: trusts(EXPIRED) },
      'issue CA (expired)',
    ],
    ['foreign CA in the Secret', { authority: { kind: 'unusable', cause: 'foreign' } }, 'issue CA (foreign)'],
    ['corrupt PEM of the CA', { authority: { kind: 'unusable', cause: 'corrupt' } }, 'issue CA (corrupt)'],
    ['wrong key of the CA', { authority: { kind: 'unusable', cause: 'key-mismatch' } }, 'issue CA (key-mismatch)'],
    // A rotation.
    [
      'the new CA, not trusted yet',
      { authority: signs(A, OLD), serving: leaf(OLD), bundles: trusts(OLD) },
      'widen-bundle (incomplete): A old',
    ],
    [
      'the new CA, trusted for nine minutes',
      { authority: signs(A, OLD), serving: leaf(OLD), bundles: trusts(A, OLD), authorityTrustedForMs: 9 * MINUTE },
      'keep, review in 60 s',
    ],
    [
      'the new CA, trusted for ten minutes',
      { authority: signs(A, OLD), serving: leaf(OLD), bundles: trusts(A, OLD), authorityTrustedForMs: 10 * MINUTE },
      'issue leaf (new-authority)',
    ],
    [
      'the new CA, trusted for a minute, and a leaf that expires soon',
      {
        authority: signs(A, OLD),
        serving: leaf(OLD, 6.5 * DAY),
        bundles: trusts(A, OLD),
        authorityTrustedForMs: MINUTE,
      },
      'issue leaf (new-authority)',
    ],
    ['the old CA, before it expires', { authority: signs(A, OLD), bundles: trusts(A, OLD) }, 'keep'],
    [
      'the old CA, expired',
      { authority: signs(A, EXPIRED), bundles: trusts(A, EXPIRED) },
      'narrow-bundle (expired): A',
    ],
    // The bundle.
    ['bundle emptied', { bundles: trusts() }, 'widen-bundle (incomplete): A'],
    [
      'bundle of one webhook emptied',
      { bundles: [...trusts(A).slice(1), ...trusts().slice(1)] },
      'widen-bundle (incomplete): A',
    ],
    ['foreign bundle', { bundles: trusts(X) }, 'widen-bundle (incomplete): A X'],
    ['foreign CA beside ours', { bundles: trusts(A, X) }, 'narrow-bundle (foreign): A'],
    [
      'foreign CA beside ours, and a leaf that not all replicas may have read',
      { bundles: trusts(A, X), servingStoredForMs: 9 * MINUTE },
      'keep',
    ],
    ['foreign CA beside ours, and no leaf', { bundles: trusts(A, X), serving: absent }, 'issue leaf (missing)'],
    ['a corrupt bundle', { bundles: [{ certificates: [], isCorrupt: true }] }, 'widen-bundle (corrupt): A'],
    [
      'a bundle that is corrupt after our CA',
      { bundles: [{ certificates: [A], isCorrupt: true }] },
      'narrow-bundle (corrupt): A',
    ],
    // Deleted under a running installation: what the webhook serves was signed by A.
    ['both Secrets deleted', { ...NOTHING, bundles: trusts(A) }, 'issue CA (missing)'],
    [
      'both Secrets deleted: the new CA',
      { authority: signs(X), serving: absent, bundles: trusts(A) },
      'widen-bundle (incomplete): X A',
    ],
    [
      'both Secrets deleted: the new CA, just trusted',
      { ...NEW, authority: signs(X), serving: absent, bundles: trusts(X, A) },
      'keep, review in 10 s',
    ],
    [
      'both Secrets deleted: the new CA, trusted by every API server',
      { ...NEW, authority: signs(X), serving: absent, bundles: trusts(X, A), authorityTrustedForMs: 10_000 },
      'issue leaf (missing)',
    ],
    // Clocks.
    ['the local clock an hour back', { clockSkewMs: -HOUR }, 'leave alone: clocks differ by -3600 s'],
    ['the local clock 30 days forward', { clockSkewMs: 30 * DAY }, 'leave alone: clocks differ by 2592000 s'],
    [
      'the local clock 30 days forward, and a due leaf',
      { clockSkewMs: 30 * DAY, serving: leaf(A, 5 * DAY) },
      'leave alone: clocks differ by 2592000 s',
    ],
    [
      'the local clock 30 days forward, and an expired leaf',
      { clockSkewMs: 30 * DAY, serving: leaf(A, 8 * DAY) },
      'issue leaf (expired)',
    ],
    [
      'the local clock 30 days forward, and an empty bundle',
      { clockSkewMs: 30 * DAY, bundles: trusts() },
      'widen-bundle (incomplete): A',
    ],
    ['clocks that differ by five minutes', { clockSkewMs: 5 * MINUTE }, 'keep'],
    // Another manager.
    ["another manager's Secret of the leaf", { serving: managed }, 'leave alone: serving is managed by cert-manager'],
    ["another manager's Secret of the CA", { authority: managed }, 'leave alone: authority is managed by cert-manager'],
    [
      "another manager's Secret, and a foreign bundle",
      { serving: managed, bundles: trusts(X) },
      'leave alone: serving is managed by cert-manager',
    ],
    [
      "another manager's Secret, and no CA",
      { serving: managed, authority: absent },
      'leave alone: serving is managed by cert-manager',
    ],
  ])('P2 %s', (_, facts, expected) => {
    expect(outcome(facts)).toBe(expected);
  });

  test.each<[string, number, string]>([
    ['an hour back', -HOUR, 'keep'],
    ['two days back, before the leaf', -2 * DAY, 'issue leaf (not-yet-valid)'],
    ['a year back, before the CA', -365 * DAY, 'issue CA (not-yet-valid), keep A'],
    ['30 days forward', 30 * DAY, 'issue leaf (expired)'],
  ])("P2 the API server's clock %s", (_, change, expected) => {
    expect(outcome({}, NOW + change)).toBe(expected);
  });

  test('P2 a clock that was an hour forward when the leaf was issued finds it valid', () => {
    expect(outcome({ serving: leaf(A, -HOUR) })).toBe('keep');
  });

  test('P2 a certificate is valid from an hour ago, and expires no later than its CA', () => {
    const late = authority('late', 1.5 * HOUR);
    const issue = (signing: CertificateFact, servingMs: number): unknown =>
      planCertificates(
        { ...HEALTHY, ...NOTHING, authority: signs(signing), bundles: [], lifetimes: { servingMs, authorityMs: DAY } },
        NOW,
      );
    expect(issue(A, DAY)).toMatchObject({ validity: { notBeforeMs: NOW - HOUR, notAfterMs: NOW + DAY } });
    expect(issue(late, 400 * DAY)).toMatchObject({ validity: { notAfterMs: late.notAfterMs } });
    expect(planCertificates({ ...HEALTHY, ...NOTHING }, NOW)).toMatchObject({
      validity: { notBeforeMs: NOW - HOUR, notAfterMs: NOW + 365 * DAY },
    });
  });

  test('P2 with lifetimes of ten minutes, a new CA signs after a minute', () => {
    const lifetimes = { servingMs: 10 * MINUTE, authorityMs: 10 * MINUTE };
    const fresh = { ...A, notAfterMs: NOW + 9 * MINUTE, notBeforeMs: NOW - HOUR - MINUTE };
    const facts = { lifetimes, authority: signs(fresh, X), serving: leaf(X), bundles: trusts(fresh, X) };
    expect(outcome({ ...facts, authorityTrustedForMs: 59_000 })).toBe('keep, review in 1 s');
    expect(outcome({ ...facts, authorityTrustedForMs: 60_000 })).toBe('issue leaf (new-authority)');
  });

  test('P2 however many CAs a bundle contains, it gets ours and the one that signed the leaf, and at most sixteen', () => {
    const many = Array.from({ length: 30 }, (_, index) => authority(`many-${index}`, index * DAY));
    const issuer = many[29];
    const plan = planCertificates({ ...HEALTHY, serving: leaf(issuer), bundles: trusts(...many) }, NOW);
    expect(plan).toMatchObject({ kind: 'widen-bundle' });
    const { certificates } = plan as { certificates: readonly string[] };
    expect(certificates.slice(0, 2)).toEqual(['A', 'many-29']);
    expect(certificates).toHaveLength(16);
  });
});
