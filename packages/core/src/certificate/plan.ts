import { isDue, isUrgent, MAX_CLOCK_SKEW_MS, overlapMs, PROPAGATION_MS, validityFrom } from './certificate-times.ts';
import type { CertificateFact, CertificateFacts, ContentFault } from './facts.ts';
import { listTrusted, planNarrowing, planWidening } from './plan-bundle.ts';
import type { BundlePlan } from './plan-bundle.ts';
import type { CertificateValidity } from './validity.ts';
import { validityState } from './validity.ts';

/** Why a certificate is issued. */
export type IssueCause =
  | ContentFault
  | 'missing'
  | 'expired'
  | 'not-yet-valid'
  | 'wrong-names'
  /** Two thirds of its lifetime have passed. */
  | 'due'
  /** The present serving certificate is good, but its CA no longer signs. */
  | 'new-authority';

/** The next step. After each step the facts are read again, and the next step is planned. */
export type CertificatePlan =
  /** Nothing is to be done. `reviewInMs`: when a wait ends, if the plan waits for something. */
  | { readonly kind: 'keep'; readonly reviewInMs?: number }
  | {
      readonly kind: 'leave-alone';
      readonly reason: 'managed';
      readonly secret: 'authority' | 'serving';
      readonly by: string;
    }
  | { readonly kind: 'leave-alone'; readonly reason: 'clock-skew'; readonly skewMs: number }
  | {
      readonly kind: 'issue-authority';
      readonly cause: IssueCause;
      readonly validity: CertificateValidity;
      /** Ids of the earlier CAs that the Secret keeps. */
      readonly older: readonly string[];
    }
  | { readonly kind: 'issue-serving'; readonly cause: IssueCause; readonly validity: CertificateValidity }
  | BundlePlan;

/** Maximum number of earlier CAs in the Secret. A rotation needs one. */
const MAX_OLDER = 3;

/**
 * Plans the next step for the CA, the serving certificate and the bundles. The order of a rotation makes that the API server trusts
 * the certificate that the webhook serves at each moment: the new CA is added to the bundles and read back, then the
 * serving certificate is replaced, then the old CA is removed.
 *
 * @param nowMs the time of the API server, which checks the certificates
 */
export function planCertificates(facts: CertificateFacts, nowMs: number): CertificatePlan {
  return (
    planForManaged(facts) ??
    planForSkew(facts, nowMs) ??
    planWidening(facts, nowMs) ??
    planAuthority(facts, nowMs) ??
    planServing(facts, nowMs) ??
    planNarrowing(facts, nowMs) ?? { kind: 'keep' }
  );
}

/** A Secret that something else manages is not written, nor is anything else: the bundle then contains a CA of the manager. */
function planForManaged({ authority, serving }: CertificateFacts): CertificatePlan | undefined {
  if (serving.kind === 'managed') return { kind: 'leave-alone', reason: 'managed', secret: 'serving', by: serving.by };
  if (authority.kind !== 'managed') return undefined;
  return { kind: 'leave-alone', reason: 'managed', secret: 'authority', by: authority.by };
}

/** While the clocks differ, one of them is wrong. Nothing is changed while the API server trusts what the webhook serves. */
function planForSkew(facts: CertificateFacts, nowMs: number): CertificatePlan | undefined {
  const { clockSkewMs: skewMs } = facts;
  if (Math.abs(skewMs) <= MAX_CLOCK_SKEW_MS || !isServingTrusted(facts, nowMs)) return undefined;
  return { kind: 'leave-alone', reason: 'clock-skew', skewMs };
}

function isServingTrusted({ serving, bundles }: CertificateFacts, nowMs: number): boolean {
  if (serving.kind !== 'usable' || !serving.hasNames || validityState(serving, nowMs) !== 'valid') return false;
  const { issuer } = serving;
  if (issuer === undefined || validityState(issuer, nowMs) !== 'valid') return false;
  return bundles.every(({ certificates }) => certificates.some(({ id }) => id === issuer.id));
}

function planAuthority({ authority, lifetimes }: CertificateFacts, nowMs: number): CertificatePlan | undefined {
  const issue = (cause: IssueCause, older: readonly CertificateFact[] = []): CertificatePlan => ({
    kind: 'issue-authority',
    cause,
    validity: validityFrom(nowMs, lifetimes.authorityMs),
    older: older
      .filter((certificate) => validityState(certificate, nowMs) !== 'expired')
      .slice(0, MAX_OLDER)
      .map(({ id }) => id),
  });
  if (authority.kind === 'managed') return undefined;
  if (authority.kind === 'absent') return issue('missing');
  if (authority.kind === 'unusable') return issue(authority.cause);
  const { signing, older } = authority;
  const state = validityState(signing, nowMs);
  if (state !== 'valid') return issue(state, [signing, ...older]);
  return isDue(signing, nowMs) ? issue('due', [signing, ...older]) : undefined;
}

function planServing(facts: CertificateFacts, nowMs: number): CertificatePlan | undefined {
  const { authority, authorityTrustedForMs: trustedMs, lifetimes } = facts;
  if (authority.kind !== 'usable') return undefined;
  const { signing } = authority;
  const cause = findServingCause(facts, signing, nowMs);
  if (cause === undefined) return undefined;
  const waitMs = requiredTrustMs(facts, signing, { cause, nowMs }) - trustedMs;
  if (waitMs > 0) return { kind: 'keep', reviewInMs: waitMs };
  return { kind: 'issue-serving', cause, validity: validityFrom(nowMs, lifetimes.servingMs, signing) };
}

function findServingCause(
  { serving }: CertificateFacts,
  signing: CertificateFact,
  nowMs: number,
): IssueCause | undefined {
  if (serving.kind === 'managed') return undefined;
  if (serving.kind === 'absent') return 'missing';
  if (serving.kind === 'unusable') return serving.cause;
  if (serving.issuer === undefined) return 'foreign';
  const state = validityState(serving, nowMs);
  if (state !== 'valid') return state;
  if (!serving.hasNames) return 'wrong-names';
  if (serving.issuer.id !== signing.id) return 'new-authority';
  return isDue(serving, nowMs) ? 'due' : undefined;
}

/** How long all bundles must have contained the signing CA before it signs a serving certificate. */
function requiredTrustMs(
  { bundles, serving, lifetimes }: CertificateFacts,
  signing: CertificateFact,
  { cause, nowMs }: { readonly cause: IssueCause; readonly nowMs: number },
): number {
  const trusted = listTrusted(bundles);
  // Without the configuration, and on a first installation, there is no earlier certificate that the API server trusts.
  if (trusted.every(({ id }) => id === signing.id)) return 0;
  const canWait = cause === 'new-authority' && serving.kind === 'usable' && !isUrgent(serving, nowMs);
  return canWait ? overlapMs(lifetimes) : PROPAGATION_MS;
}
