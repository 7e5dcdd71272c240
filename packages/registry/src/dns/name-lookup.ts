import { startTimer, withTimeout } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { candidateNames, candidatesAfter } from './candidate-names.ts';
import type { CandidateFailure } from './candidate-names.ts';
import type { AddressRecord, QueryOutcome, SendQuery } from './query.ts';
import type { ResolverConfig } from './resolv-conf.ts';
import type { ServerOrder } from './server-order.ts';

export type LookupOutcome =
  | { readonly kind: 'found'; readonly records: readonly AddressRecord[] }
  /** DNS answered that the name has no addresses. */
  | { readonly kind: 'not-found' }
  /** No server gave an answer about the name. */
  | { readonly kind: 'no-answer' };

export interface LookupParts {
  readonly sendQuery: SendQuery;
  readonly order: ServerOrder;
  readonly clock: Clock;
}

export interface Lookup {
  readonly host: string;
  readonly config: ResolverConfig;
  readonly families: readonly (4 | 6)[];
}

type CandidateOutcome =
  | { readonly kind: 'found'; readonly records: readonly AddressRecord[] }
  | { readonly kind: 'failed'; readonly failure: CandidateFailure };

/**
 * Maximum duration of the first query to a server; each attempt doubles it. resolv.conf's default of 5 s would use up the
 * time of an inspection at the first silent server. A server that answers later has the answer cached at the next attempt.
 */
const FIRST_QUERY_MS = 1_000;
/** Maximum duration of a lookup: all names, servers and attempts. It bounds how long a silent name takes a slot. */
const LOOKUP_MS = 5_000;
/** How long addresses of one family wait for those of the other: some servers never answer AAAA queries. */
const OTHER_FAMILY_MS = 250;

/** Looks up a host name at the DNS servers. Ends soon after the signal aborts, with `no-answer`. */
export async function resolveName(lookup: Lookup, parts: LookupParts, signal: AbortSignal): Promise<LookupOutcome> {
  // `no-aaaa` on a machine without IPv4.
  if (lookup.families.length === 0) return { kind: 'not-found' };
  return await withTimeout({ clock: parts.clock, ms: LOOKUP_MS, signal }, (signal) =>
    resolveCandidates(lookup, parts, signal),
  );
}

async function resolveCandidates(lookup: Lookup, parts: LookupParts, signal: AbortSignal): Promise<LookupOutcome> {
  const failures = new Set<CandidateFailure>();
  let remaining = candidateNames(lookup.host, lookup.config);
  for (;;) {
    const [candidate, ...rest] = remaining;
    if (candidate === undefined) break;
    const outcome = await queryServers(candidate.name, lookup, parts, signal);
    if (outcome.kind === 'found') return outcome;
    if (signal.aborted) return { kind: 'no-answer' };
    failures.add(outcome.failure);
    remaining = candidatesAfter(candidate, outcome.failure, rest);
  }
  return { kind: failures.has('no-answer') || failures.has('server-failed') ? 'no-answer' : 'not-found' };
}

/** Queries one server after the other, until one has an answer about the name. */
async function queryServers(
  name: string,
  { config, families }: Lookup,
  parts: LookupParts,
  signal: AbortSignal,
): Promise<CandidateOutcome> {
  let failure: CandidateFailure = 'no-answer';
  for (let attempt = 0; attempt < config.attempts; attempt += 1) {
    const timeoutMs = Math.min(config.timeoutMs, FIRST_QUERY_MS * 2 ** attempt);
    for (const server of parts.order.order(config.servers, parts.clock.monotonic())) {
      const outcome = await queryServer({ name, server, families, timeoutMs }, parts, signal);
      if (outcome.kind === 'found' || outcome.failure === 'not-found' || signal.aborted) return outcome;
      ({ failure } = outcome);
    }
  }
  return { kind: 'failed', failure };
}

interface ServerQuery {
  readonly name: string;
  readonly server: string;
  readonly families: readonly (4 | 6)[];
  readonly timeoutMs: number;
}

/** Queries one server for the addresses of all families concurrently. */
async function queryServer(query: ServerQuery, parts: LookupParts, signal: AbortSignal): Promise<CandidateOutcome> {
  const { clock, order } = parts;
  const outcomes = await withTimeout({ clock, ms: query.timeoutMs, signal }, (signal) =>
    queryFamilies(query, parts, signal),
  );
  if (outcomes.some(({ kind }) => kind !== 'no-answer')) order.recordAnswer(query.server, clock.monotonic());
  else if (!signal.aborted) order.recordTimeout(query.server, clock.monotonic());
  return combine(outcomes);
}

/** Returns the outcomes of the families. Cancels a query whose outcome is no longer needed. */
async function queryFamilies(
  { name, server, families }: ServerQuery,
  { sendQuery, clock }: LookupParts,
  signal: AbortSignal,
): Promise<readonly QueryOutcome[]> {
  const other = new AbortController();
  const cancelOther = (): void => {
    other.abort();
  };
  const either = AbortSignal.any([signal, other.signal]);
  const timers: (() => void)[] = [];
  const queries = families.map(async (family) => {
    const outcome = await sendQuery({ name, family, server }, either);
    // A name that does not exist has no records of any family (RFC 8020).
    if (outcome.kind === 'no-name') cancelOther();
    if (outcome.kind === 'addresses') timers.push(startTimer(clock, OTHER_FAMILY_MS, cancelOther));
    return outcome;
  });
  const outcomes = await Promise.all(queries);
  for (const stopTimer of timers) stopTimer();
  return outcomes;
}

/** Combines the outcomes of both families at one server. Addresses of one family count, even if the other query fails. */
function combine(outcomes: readonly QueryOutcome[]): CandidateOutcome {
  const records = outcomes.flatMap((outcome) => (outcome.kind === 'addresses' ? outcome.records : []));
  if (records.length > 0) return { kind: 'found', records };
  const kinds = new Set(outcomes.map(({ kind }) => kind));
  if (kinds.has('no-name')) return { kind: 'failed', failure: 'not-found' };
  if (kinds.has('server-failed')) return { kind: 'failed', failure: 'server-failed' };
  return { kind: 'failed', failure: kinds.has('no-answer') ? 'no-answer' : 'not-found' };
}
