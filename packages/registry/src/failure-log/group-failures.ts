import { withoutUndefined } from '@archpolicy/core';
import type { FailureCause } from '../http/failure-cause.ts';
import { isRejection } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';

/** A request of an inspection that failed. */
export interface FailedRequest {
  /** The host of the registry or mirror, as written in references and the registries file. */
  readonly host: string;
  readonly isMirror: boolean;
  readonly repository: string;
  /** Where the credential came from, such as `Secret shop/pull`, or `none`. Absent if the failure has nothing to do with it. */
  readonly source?: string;
  readonly failure: FetchFailure;
}

/** The failed requests with the same cause at the same host. */
export interface FailureGroup {
  readonly host: string;
  readonly repository?: string;
  /** The sources of the credentials that were tried, in this order. */
  readonly sources: readonly string[];
  readonly cause: FailureCause;
  /** The time before which a retry would fail. */
  readonly retryAtMs?: number;
}

/**
 * Groups the failed requests of one inspection, so that each group gets one line. Leaves out failures without a cause, and
 * failures that are part of a normal inspection: a mirror that lacks the image, and a credential of several that is rejected.
 *
 * @param hasAnswer whether the inspection has an answer despite these failures
 */
export function groupFailures(requests: readonly FailedRequest[], hasAnswer: boolean): readonly FailureGroup[] {
  const groups = new Map<string, FailureGroup>();
  for (const request of requests) {
    const { host, repository, source, failure } = request;
    const { cause } = failure;
    if (cause === undefined || isNormal(request, hasAnswer)) continue;
    const key = `${cause.kind} ${host}`;
    const { retryAtMs } = failure;
    const group = groups.get(key) ?? { host, repository, sources: [], cause, ...withoutUndefined({ retryAtMs }) };
    const sources = source === undefined ? group.sources : [...new Set([...group.sources, source])];
    groups.set(key, { ...group, sources });
  }
  return [...groups.values()];
}

function isNormal({ isMirror, failure }: FailedRequest, hasAnswer: boolean): boolean {
  return isMirror ? failure.reason === 'NotFound' : hasAnswer && isRejection(failure);
}
