import { mayReplaceCertificate, validityState } from '@archpolicy/core';
import type { Result } from '@archpolicy/core';
import { parseCaBundle } from './ca-bundle.ts';
import { parseKeyPair } from './key-pair.ts';
import type { KeyPair } from './key-pair.ts';
import { describeProblem } from './problem.ts';
import type { FileNames, TlsProblem } from './problem.ts';

/** PEM texts of a TLS client: the authorities it trusts, and its certificate with its key. All are optional. */
export interface ClientTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface ClientFileNames extends FileNames {
  readonly ca: string;
}

/** The texts that a client uses from now on. Each problem is a clause that contains no part of the files. */
export type ClientTlsSelection =
  /** For each problem, the current text is used instead of the faulty new one. */
  | { readonly kind: 'usable'; readonly tls: ClientTls; readonly problems: readonly string[] }
  /** A new text is faulty, and there is no current text to use instead, so nothing may be sent. */
  | { readonly kind: 'unusable'; readonly problems: readonly string[] };

interface Part {
  /**
   * The texts to use. An empty object if no texts are configured. Undefined if the new texts are faulty, and there are
   * no current texts.
   */
  readonly selected: ClientTls | undefined;
  readonly problem?: string;
}

/**
 * Selects the CA bundle and the client certificate separately. Each new text replaces the current text, unless the new
 * text cannot be used, or is less usable now than the current text. The texts are checked here, because OpenSSL would
 * ignore an empty or broken part, and then trust other authorities or none.
 */
export function selectClientTls(
  next: ClientTls,
  current: ClientTls | undefined,
  { nowMs, names }: { readonly nowMs: number; readonly names: ClientFileNames },
): ClientTlsSelection {
  const ca = selectCa(next, current, names);
  const pair = selectPair(next, current, { nowMs, names });
  const problems = [ca.problem, pair.problem].filter((problem) => problem !== undefined);
  if (ca.selected === undefined || pair.selected === undefined) return { kind: 'unusable', problems };
  return { kind: 'usable', tls: { ...ca.selected, ...pair.selected }, problems };
}

function selectCa(next: ClientTls, current: ClientTls | undefined, names: ClientFileNames): Part {
  const { ca } = next;
  if (ca === undefined) return { selected: {} };
  if (ca === current?.ca) return { selected: { ca } };
  const bundle = parseCaBundle(ca);
  if (bundle.kind === 'ok') return { selected: { ca } };
  const selected = current?.ca === undefined ? undefined : { ca: current.ca };
  return { selected, problem: describeProblem(bundle.failure, { ...names, certificate: names.ca }) };
}

type Pair = Required<Pick<ClientTls, 'cert' | 'key'>>;

function selectPair(
  next: ClientTls,
  current: ClientTls | undefined,
  { nowMs, names }: { readonly nowMs: number; readonly names: ClientFileNames },
): Part {
  if (next.cert === undefined && next.key === undefined) return { selected: {} };
  // A certificate without its key, or a key without its certificate, is a problem, because OpenSSL would connect
  // without a client certificate.
  const pair = { cert: next.cert ?? '', key: next.key ?? '' };
  const used = toPair(current);
  if (pair.cert === used?.cert && pair.key === used.key) return { selected: pair };
  const problem = findPairProblem(pair, used, { nowMs, names });
  return problem === undefined ? { selected: pair } : { selected: used, problem };
}

function toPair({ cert, key }: ClientTls = {}): Pair | undefined {
  return cert === undefined || key === undefined ? undefined : { cert, key };
}

function findPairProblem(
  next: Pair,
  used: Pair | undefined,
  { nowMs, names }: { readonly nowMs: number; readonly names: ClientFileNames },
): string | undefined {
  const result = parse(next);
  if (result.kind === 'failed') return describeProblem(result.failure, names);
  const { validity } = result.value;
  const current = used === undefined ? undefined : parse(used);
  if (current?.kind !== 'ok' || mayReplaceCertificate(current.value.validity, validity, nowMs)) return undefined;
  const isExpired = validityState(validity, nowMs) === 'expired';
  return `${names.certificate} ${isExpired ? 'has expired' : 'is not valid yet'}`;
}

function parse({ cert, key }: Pair): Result<KeyPair, TlsProblem> {
  return parseKeyPair({ certificate: cert, key });
}
