import {
  parseRelaxation,
  RELAXATION_HISTORY_MS,
  RELAXED_FOR_MS,
  SCOPE_ARCHITECTURE,
  SCOPE_NAMESPACE,
} from '@archpolicy/core';
import type { ArchPolicyStatus, Relaxation } from '@archpolicy/core';
import { timestamp } from '../conditions.ts';

/** The field `relaxed` of a policy's status. */
export type Relaxed = NonNullable<ArchPolicyStatus['relaxed']>;
export type WorkloadRelaxation = Extract<Relaxation, { kind: 'workload' }>;

/** Maximum assumed difference between the clocks of two leaders. */
const MAX_CLOCK_DIFFERENCE_MS = 60 * 60_000;

/**
 * Returns the valid entries of a status. Ignores an entry that ends later than any relaxation can end, because a leader
 * with a wrong clock has written it.
 */
export function readEntries(status: ArchPolicyStatus | undefined, nowMs: number): readonly Relaxation[] {
  return (status?.relaxed ?? [])
    .map(parseRelaxation)
    .filter((entry) => entry !== undefined)
    .filter(({ untilMs }) => untilMs <= nowMs + RELAXATION_HISTORY_MS + MAX_CLOCK_DIFFERENCE_MS);
}

/** Formats a relaxation as an entry of the status. */
export function toEntry(relaxation: Relaxation): Relaxed[number] {
  const { sinceMs, untilMs } = relaxation;
  const period = { ...(sinceMs !== undefined && { since: timestamp(sinceMs) }), until: timestamp(untilMs) };
  switch (relaxation.kind) {
    case 'workload': {
      const { workload, architecture } = relaxation;
      return { owner: workload, ...(architecture !== undefined && { architecture }), ...period };
    }
    case 'namespace': {
      const { namespace, architecture } = relaxation;
      return { scope: SCOPE_NAMESPACE, namespace, architecture, ...period };
    }
    case 'architecture':
      return { scope: SCOPE_ARCHITECTURE, architecture: relaxation.architecture, ...period };
  }
}

/** Returns a key of the workload, or of the namespace and architecture, that is relaxed. */
export function toKey(relaxation: Relaxation): string {
  return relaxation.kind === 'workload'
    ? relaxation.workload
    : `${getNamespace(relaxation)} ${relaxation.architecture}`;
}

/** Returns the length of the period. Entries of earlier versions have no start, and count as an hour. */
export function lengthMs({ sinceMs, untilMs }: Relaxation): number {
  return sinceMs === undefined ? RELAXED_FOR_MS : Math.max(untilMs - sinceMs, RELAXED_FOR_MS);
}

/** Returns the namespace of an entry. It is empty if the entry is for a whole architecture. */
export function getNamespace(relaxation: Relaxation): string {
  switch (relaxation.kind) {
    case 'workload':
      return namespaceOfWorkload(relaxation.workload);
    case 'namespace':
      return relaxation.namespace;
    case 'architecture':
      return '';
  }
}

/** @param workload a key that `workloadKey` returns */
export function namespaceOfWorkload(workload: string): string {
  return workload.slice(0, workload.indexOf('/'));
}
