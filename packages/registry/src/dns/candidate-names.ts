import type { ResolverConfig } from './resolv-conf.ts';

/** A name to query for a host. */
export interface CandidateName {
  readonly name: string;
  /** Whether a search domain was appended. */
  readonly isSearched: boolean;
}

/** Why a candidate has no addresses. */
export type CandidateFailure =
  /** The name does not exist, or has neither A nor AAAA records. */
  | 'not-found'
  /** Each server answered that it failed (SERVFAIL, REFUSED, NOTIMP). */
  | 'server-failed'
  /** No server sent an answer that can be used in time. */
  | 'no-answer';

/**
 * Returns the names to query for a host, in the order of glibc's `res_nsearch`
 * (https://sourceware.org/git/?p=glibc.git;a=blob;f=resolv/res_query.c): a trailing dot excludes the search domains, a
 * name with at least `ndots` dots is queried first as it is, any other name last.
 *
 * Example for `registry.corp` with ndots 5: `registry.corp.shop.svc.cluster.local`, …, `registry.corp`.
 */
export function candidateNames(
  host: string,
  { searchDomains, ndots }: Pick<ResolverConfig, 'searchDomains' | 'ndots'>,
): readonly CandidateName[] {
  const asIs = { name: host, isSearched: false };
  if (host.endsWith('.')) return [asIs];
  const searched = searchDomains.map((domain) => toCandidate(host, domain.replace(/^\./, '')));
  const dots = host.split('.').length - 1;
  if (dots >= ndots) return [asIs, ...searched.filter(({ name }) => name !== host)];
  // The search domain `.` is the root: the name was queried as it is already.
  return searchDomains.includes('.') ? searched : [...searched, asIs];
}

function toCandidate(host: string, domain: string): CandidateName {
  return { name: domain === '' ? host : `${host}.${domain}`, isSearched: true };
}

/**
 * Returns which of the remaining candidates are still queried after one has failed. As in glibc, a search domain for
 * which no server answers ends the search, and only the name as it is may follow.
 */
export function candidatesAfter(
  failed: CandidateName,
  failure: CandidateFailure,
  remaining: readonly CandidateName[],
): readonly CandidateName[] {
  return failed.isSearched && failure === 'no-answer' ? remaining.filter(({ isSearched }) => !isSearched) : remaining;
}
