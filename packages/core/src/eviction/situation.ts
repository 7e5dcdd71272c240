import type { Inspection } from '../inspection/inspection.ts';
import type { NodeFacts, PodFacts } from '../kubernetes/facts.ts';
import type { NodeArchitecture } from '../platform/supported.ts';
import { assessPlacement } from './assess.ts';
import type { PlacementAssessment } from './assess.ts';
import type { EvictionInput } from './decide.ts';
import type { EvictionDecision, LastTry } from './decision.ts';
import { CREATED_AT, IMAGE, node, pod, REMEDIATION, resolved } from './fixtures.ts';
import type { NotReplacedReason } from './owner.ts';

/** A minute after the pod was bound: past the grace period of 30 s. */
export const NOW = CREATED_AT + 60_000;
export const seconds = (count: number): number => count * 1_000;

export interface Situation {
  readonly now?: number;
  readonly pod?: PodFacts;
  readonly node?: NodeFacts | null;
  /** What is known of the pod's only image, or of each of several. */
  readonly images?: Inspection | ReadonlyMap<string, Inspection>;
  readonly allowed?: readonly NodeArchitecture[];
  readonly policy?: 'none' | Partial<NonNullable<EvictionInput['policy']>['remediation']>;
  readonly mode?: 'Enforce' | 'Audit';
  readonly skipped?: boolean;
  readonly notReplaced?: NotReplacedReason;
  readonly webhook?: EvictionInput['webhook'];
  readonly landing?: EvictionInput['landing'];
  readonly hasBeenReady?: boolean;
  readonly stuck?: EvictionInput['stuck'];
  readonly limit?: EvictionInput['limit'];
  readonly lastTry?: LastTry;
  readonly evictedBefore?: boolean;
}

/** The situation that is evicted, but for what the row changes: an arm64 image that crashes on an amd64 node. */
export function inputOf(row: Situation): EvictionInput {
  const thePod = row.pod ?? pod();
  const theNode = row.node === undefined ? node() : row.node;
  return {
    nowMs: row.now ?? NOW,
    pod: thePod,
    ...policyOf(row),
    skipped: row.skipped ?? false,
    ...(theNode !== null && { node: theNode }),
    assessment: assessmentOf(row, thePod, theNode),
    hasBeenReady: row.hasBeenReady ?? false,
    replacement:
      row.notReplaced === undefined ? { kind: 'replaced' } : { kind: 'not-replaced', reason: row.notReplaced },
    webhook: row.webhook ?? 'reachable',
    landing: row.landing ?? 'right',
    limit: row.limit ?? { kind: 'free' },
    ...optional(row),
    evictedBefore: row.evictedBefore ?? false,
  };
}

/** `evict`, or the kind and the reason, and for a wait the seconds from now. */
export function summarize(decision: EvictionDecision, now: number): string {
  switch (decision.kind) {
    case 'evict':
      return 'evict';
    case 'wait': {
      const { reason, untilMs } = decision;
      return untilMs === undefined ? `wait ${reason}` : `wait ${reason} ${(untilMs - now) / 1_000}s`;
    }
    case 'leave':
    case 'report':
      return `${decision.kind} ${decision.reason}`;
  }
}

function optional({ stuck, lastTry }: Situation): Pick<EvictionInput, 'stuck' | 'lastTry'> {
  return { ...(stuck !== undefined && { stuck }), ...(lastTry !== undefined && { lastTry }) };
}

function policyOf({ policy, mode = 'Enforce' }: Situation): Pick<EvictionInput, 'policy'> {
  return policy === 'none' ? {} : { policy: { mode, remediation: { ...REMEDIATION, ...policy } } };
}

function assessmentOf(row: Situation, thePod: PodFacts, theNode: NodeFacts | null): PlacementAssessment {
  if (theNode === null) return { kind: 'node-unknown' };
  const inspections =
    row.images instanceof Map ? row.images : new Map([[IMAGE, row.images ?? resolved('linux/arm64')]]);
  return assessPlacement({
    pod: thePod,
    node: theNode,
    inspections,
    policy: { images: [], architectures: row.allowed },
  });
}
