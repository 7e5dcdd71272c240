import { denialText, warningText } from '../placement/warnings.ts';
import type { PlacementDecision, PlacementReason } from '../placement/decision.ts';
import { quote } from '../placement/quote.ts';
import type { UnresolvedImage } from '../pod/image-knowledge.ts';
import type { PatchLevel } from './lift.ts';

/** What people should see when they look at a pod that waits or waited. Holds nothing that a registry said. */
export interface GateEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: PlacementReason | GateEventReason;
  readonly note: string;
}

export type GateEventReason =
  /** The pod's time was up before its images were known. */
  | 'GateTimedOut'
  /** The API server let only the removal of the gate pass, or not even that. */
  | 'LiftRefused'
  /** What the images support now contradicts what was added at admission. */
  | 'RequirementsContradicted';

/** How a pod was lifted. */
export interface LiftedPod {
  readonly decision: PlacementDecision;
  readonly timedOut: boolean;
  readonly contradicted: boolean;
  /** The level that passed, and whether a better one was refused. */
  readonly level: PatchLevel;
  readonly refused: boolean;
}

const MAX_IMAGE = 200;
const LOOK_FOR_A_POLICY = 'Look for an admission policy or webhook that refuses updates of pods by ArchPolicy';

/** What is told of a lifted pod; undefined when everything went as it should. */
export function liftEvent({ decision, timedOut, contradicted, level, refused }: LiftedPod): GateEvent | undefined {
  if (refused && level === 'gate') {
    const note = `The API server refused every patch that constrains the pod: its gate was lifted and nothing else. ${LOOK_FOR_A_POLICY}`;
    return { type: 'Warning', reason: 'LiftRefused', note };
  }
  if (contradicted) {
    const note =
      'What the images support contradicts what was required of nodes at admission, which cannot be taken back: nothing was added';
    return { type: 'Warning', reason: 'RequirementsContradicted', note };
  }
  if (timedOut) return timedOutEvent(decision);
  if (decision.kind === 'deny') {
    const note = `${denialText(decision)}. It was admitted behind a gate before that was known, and goes unconstrained`;
    return { type: 'Warning', reason: decision.reason, note };
  }
  if (decision.warnings.length === 0) return undefined;
  return { type: 'Warning', reason: decision.reason, note: decision.warnings.map(warningText).join('; ') };
}

/** What is told of a pod that keeps waiting. */
export function waitEvent(unresolved: readonly UnresolvedImage[], remainingMs: number): GateEvent {
  const seconds = Math.ceil(remainingMs / 1000);
  const note = `Not scheduled until its images are inspected, for ${seconds} s at most: ${unresolved.map(unresolvedText).join('; ')}`;
  return { type: 'Normal', reason: 'Inspecting', note };
}

/** What is told of a pod of which even the gate cannot be removed. */
export function refusedEvent(status: number): GateEvent {
  const note = `The API server refuses to remove the gate (${status}); it is tried again. ${LOOK_FOR_A_POLICY}`;
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
