import { overlapMs } from './certificate-times.ts';
import type { AuthoritySecret, BundleFact, CertificateFact, CertificateFacts } from './facts.ts';
import { validityState } from './validity.ts';

/** A change of the bundles: all bundles get the certificates with these ids. */
export type BundlePlan =
  | {
      readonly kind: 'widen-bundle';
      readonly cause: 'incomplete' | 'corrupt';
      readonly certificates: readonly string[];
    }
  | {
      readonly kind: 'narrow-bundle';
      readonly cause: 'expired' | 'foreign' | 'corrupt';
      readonly certificates: readonly string[];
    };

/** Maximum number of certificates in a bundle. A rotation needs two; each further one is parsed at every reload. */
const MAX_TRUSTED = 16;

/** Adds the CAs of the Secret that are not in all bundles. Removes nothing but what cannot be parsed. */
export function planWidening({ authority, serving, bundles }: CertificateFacts, nowMs: number): BundlePlan | undefined {
  const wanted = listWanted(authority, nowMs);
  const isMissing = ({ id }: CertificateFact): boolean =>
    bundles.some(({ certificates }) => certificates.every((certificate) => certificate.id !== id));
  if (!wanted.some(isMissing)) return undefined;
  const issuer = serving.kind === 'usable' && serving.issuer !== undefined ? [serving.issuer] : [];
  const trusted = [...wanted, ...issuer, ...byAge(listTrusted(bundles))];
  return {
    kind: 'widen-bundle',
    cause: bundles.some(({ isCorrupt }) => isCorrupt) ? 'corrupt' : 'incomplete',
    certificates: distinct(trusted).slice(0, MAX_TRUSTED),
  };
}

/**
 * Removes the CAs that have expired or are not in the Secret. They may have signed what the webhook still serves, and a clock that was
 * changed may be changed back. So they remain until the Secret has contained a certificate of a wanted CA for so long that each replica of
 * the webhook has read it.
 */
export function planNarrowing(facts: CertificateFacts, nowMs: number): BundlePlan | undefined {
  const { authority, bundles } = facts;
  const wanted = listWanted(authority, nowMs);
  if (wanted.length === 0 || bundles.length === 0) return undefined;
  const present = listTrusted(bundles);
  const kept = isServingSettled(facts, wanted, nowMs) ? wanted : [...wanted, ...present];
  const certificates = distinct(kept);
  const cause = findNarrowingCause(bundles, certificates, nowMs);
  return cause === undefined ? undefined : { kind: 'narrow-bundle', cause, certificates };
}

function findNarrowingCause(
  bundles: readonly BundleFact[],
  kept: readonly string[],
  nowMs: number,
): Extract<BundlePlan, { kind: 'narrow-bundle' }>['cause'] | undefined {
  if (bundles.some(({ isCorrupt }) => isCorrupt)) return 'corrupt';
  const surplus = listTrusted(bundles).filter(({ id }) => !kept.includes(id));
  if (surplus.length === 0) return undefined;
  return surplus.every((certificate) => validityState(certificate, nowMs) === 'expired') ? 'expired' : 'foreign';
}

/** Returns whether each replica of the webhook serves a certificate of a wanted CA. */
function isServingSettled(
  { serving, servingStoredForMs, lifetimes }: CertificateFacts,
  wanted: readonly CertificateFact[],
  nowMs: number,
): boolean {
  if (serving.kind !== 'usable' || !serving.hasNames || validityState(serving, nowMs) !== 'valid') return false;
  const { issuer } = serving;
  return wanted.some(({ id }) => id === issuer?.id) && servingStoredForMs >= overlapMs(lifetimes);
}

/** Lists the certificates of all bundles, with repetitions. */
export function listTrusted(bundles: readonly BundleFact[]): readonly CertificateFact[] {
  return bundles.flatMap(({ certificates }) => certificates);
}

/** Lists the CAs that all bundles must contain. */
function listWanted(authority: AuthoritySecret, nowMs: number): readonly CertificateFact[] {
  return authority.kind === 'usable' ? unexpired([authority.signing, ...authority.older], nowMs) : [];
}

function unexpired(certificates: readonly CertificateFact[], nowMs: number): readonly CertificateFact[] {
  return certificates.filter((certificate) => validityState(certificate, nowMs) !== 'expired');
}

function byAge(certificates: readonly CertificateFact[]): readonly CertificateFact[] {
  return [...certificates].sort((one, other) => other.notBeforeMs - one.notBeforeMs);
}

function distinct(certificates: readonly CertificateFact[]): readonly string[] {
  return [...new Set(certificates.map(({ id }) => id))];
}
