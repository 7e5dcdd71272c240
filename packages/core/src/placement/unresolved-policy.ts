import type { Inspection } from '../inspection/inspection.ts';
import { WAITING_HELPS } from '../inspection/inspection.ts';
import type { ImageKnowledge } from '../pod/image-knowledge.ts';
import type { ArchPolicy } from '../policy/index.ts';
import { parseDurationMs } from '../policy/index.ts';
import type { PlacementInput } from './input.ts';
import type { PodView } from './pod-view.ts';

/**
 * Minimum ratio of a pod's deadline to the gate timeout. With a shorter deadline, the pod would spend too much of its
 * time behind the gate.
 */
const DEADLINE_FACTOR = 3;

/** PL9: the action for a pod with unresolved images. */
export type UnresolvedAction = 'gate' | 'admit' | 'fallback' | 'deny';

export function unresolvedAction(
  view: PodView,
  knowledge: readonly ImageKnowledge[],
  input: PlacementInput,
  { spec }: ArchPolicy,
): UnresolvedAction {
  switch (spec.whenUnresolved) {
    case 'Admit':
      return 'admit';
    case 'Deny':
      return 'deny';
    case 'Fallback':
      return 'fallback';
    case 'Gate':
      return gateAction(view, knowledge, input, spec);
  }
}

/**
 * Returns the action for `whenUnresolved: Gate`. If no result can arrive within the timeout, the fallback is used at
 * once, because it would be used after the timeout anyway.
 */
function gateAction(
  view: PodView,
  knowledge: readonly ImageKnowledge[],
  input: PlacementInput,
  { gateTimeout, fallbackArchitecture }: ArchPolicy['spec'],
): UnresolvedAction {
  const gateTimeoutMs = parseDurationMs(gateTimeout);
  if (mayGate(view, knowledge, input, gateTimeoutMs)) return 'gate';
  if (gateTimeoutMs === undefined || fallbackArchitecture === undefined) return 'admit';
  return knowledge.some(({ inspection }) => waitingHelps(inspection, input.nowMs, gateTimeoutMs))
    ? 'admit'
    : 'fallback';
}

/**
 * Whether the pod can be gated: an operator lifts the gate, a result can arrive within the timeout, and the pod's
 * deadline is long enough.
 */
function mayGate(
  { spec }: PodView,
  knowledge: readonly ImageKnowledge[],
  { canGate, nowMs, jobDeadlineSeconds }: PlacementInput,
  gateTimeoutMs: number | undefined,
): boolean {
  // PL9: The operator's Lease is fresh, so the gate would be lifted.
  if (!canGate || gateTimeoutMs === undefined) return false;
  const shortest = DEADLINE_FACTOR * gateTimeoutMs;
  const own = spec['activeDeadlineSeconds'];
  // PL9: The pod may run for at least three times `gateTimeout`.
  if (typeof own === 'number' && own * 1000 < shortest) return false;
  // PL9: The pod's Job may run for at least three times `gateTimeout`.
  if (jobDeadlineSeconds !== undefined && jobDeadlineSeconds * 1000 < shortest) return false;
  // PL9: Waiting can resolve at least one image within `gateTimeout`.
  return knowledge.some(({ inspection }) => waitingHelps(inspection, nowMs, gateTimeoutMs));
}

function waitingHelps(inspection: Inspection, nowMs: number | undefined, gateTimeoutMs: number): boolean {
  if (inspection.kind === 'resolved' || !WAITING_HELPS.has(inspection.reason)) return false;
  const { retryAtMs } = inspection;
  return retryAtMs === undefined || nowMs === undefined || retryAtMs - nowMs < gateTimeoutMs;
}
