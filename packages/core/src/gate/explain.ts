import { denialText, warningText } from '../placement/warnings.ts';
import type { PlacementDecision, PlacementReason } from '../placement/decision.ts';
import { quote } from '../placement/quote.ts';
import type { UnresolvedImage } from '../pod/image-knowledge.ts';
import type { PatchLevel } from './lift.ts';

/** An event about a pod that waits or waited behind the gate. It contains no text of a registry. */
export interface GateEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: PlacementReason | GateEventReason;
  readonly note: string;
}

export type GateEventReason =
  /** The pod's timeout ended before its images were resolved. */
  | 'GateTimedOut'
  /** The API server accepted only the removal of the gate, or refused even that. */
  | 'LiftRefused'
  /** The architectures that the images support contradict the requirements that were added at admission. */
  | 'RequirementsContradicted';

/** The result of lifting a gate. */
export interface LiftedPod {
  readonly decision: PlacementDecision;
  readonly timedOut: boolean;
  readonly contradicted: boolean;
  /** The level of the accepted patch. `refused` is true if the API server refused a better level. */
  readonly level: PatchLevel;
  readonly refused: boolean;
}

const MAX_IMAGE = 200;
const CHECK_ADMISSION = 'Check for an admission policy or webhook that refuses updates of pods by ArchPolicy';

/** Returns the event about a lifted pod; undefined if the patch was complete and there are no warnings. */
export function liftEvent({ decision, timedOut, contradicted, level, refused }: LiftedPod): GateEvent | undefined {
  if (refused && level === 'gate') {
    const note = `The API server refused every patch that constrains the pod: only the gate was removed. ${CHECK_ADMISSION}`;
    return { type: 'Warning', reason: 'LiftRefused', note };
  }
  if (contradicted) {
    const note =
      'The architectures that the images support contradict the requirements added at admission, which cannot be removed: nothing was added';
    return { type: 'Warning', reason: 'RequirementsContradicted', note };
  }
  if (timedOut) return timedOutEvent(decision);
  if (decision.kind === 'deny') {
    const note = `${denialText(decision)}. The pod was admitted behind a gate before this was known and is not constrained`;
    return { type: 'Warning', reason: decision.reason, note };
  }
  if (decision.warnings.length === 0) return undefined;
  return { type: 'Warning', reason: decision.reason, note: decision.warnings.map(warningText).join('; ') };
}

/** Returns the event about a pod that keeps waiting. */
export function waitEvent(unresolved: readonly UnresolvedImage[], remainingMs: number): GateEvent {
  const seconds = Math.ceil(remainingMs / 1000);
  const note = `Not scheduled until its images are inspected, for ${seconds} s at most: ${unresolved.map(unresolvedText).join('; ')}`;
  return { type: 'Normal', reason: 'Inspecting', note };
}

/** Returns the event about a pod whose gate cannot be removed. */
export function refusedEvent(status: number): GateEvent {
  const note = `The API server refuses to remove the gate (${status}); the operator retries. ${CHECK_ADMISSION}`;
  return { type: 'Warning', reason: 'LiftRefused', note };
}

function timedOutEvent(decision: PlacementDecision): GateEvent {
  const cause = decision.unresolved.map(unresolvedText).join('; ');
  if (decision.kind === 'constrain' && decision.reason === 'Fallback') {
    const [preferred] = decision.preferred;
    const outcome = preferred === undefined ? 'constrained to' : 'preferred is';
    const fallback = preferred === undefined ? decision.architectures.join() : preferred.architecture;
    const note = `Its images could not be inspected in time (${cause}): ${outcome} the policy's fallback architecture ${fallback}`;
    return { type: 'Normal', reason: 'GateTimedOut', note };
  }
  const outcome = decision.kind === 'constrain' ? 'constrained to what the other images support' : 'not constrained';
  const note = `Its images could not be inspected in time (${cause}): ${outcome}`;
  return { type: 'Warning', reason: 'GateTimedOut', note };
}

function unresolvedText({ image, reason }: UnresolvedImage): string {
  return `${quote(image, MAX_IMAGE)}: ${reason}`;
}
