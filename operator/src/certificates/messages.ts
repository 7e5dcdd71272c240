import type { CertificatePlan } from '@archpolicy/core';
import { OPERATOR } from '@archpolicy/process';
import { AUTHORITY_SECRET, SERVING_SECRET } from './secret-object.ts';
import type { ChangeCause, ChangedObject } from './metrics.ts';
import type { ChangePlan } from './writer.ts';

const MINUTE_MS = 60_000;

export interface Change {
  readonly object: ChangedObject;
  readonly cause: ChangeCause;
}

/** Returns what a plan changes. */
export function toChange(plan: ChangePlan): Change {
  if (plan.kind === 'issue-authority') return { object: 'authority', cause: plan.cause };
  if (plan.kind === 'issue-serving') return { object: 'serving', cause: plan.cause };
  return { object: 'bundle', cause: plan.cause };
}

/** The changes of every installation and rotation, which need no attention: no event reports them. */
const ROUTINE: ReadonlySet<ChangeCause> = new Set(['missing', 'due', 'new-authority', 'incomplete']);

export function isRoutine({ object, cause }: Change): boolean {
  // The old CA leaves the bundle when it expires.
  return ROUTINE.has(cause) || (object === 'bundle' && cause === 'expired');
}

const CAUSES: Readonly<Record<ChangeCause, string>> = {
  missing: 'it was missing',
  corrupt: 'it could not be parsed',
  'key-mismatch': 'its key was the key of another certificate',
  foreign: 'the operator had not issued it',
  expired: 'it had expired',
  'not-yet-valid': 'it was not valid yet',
  'wrong-names': 'it did not contain the name by which the API server calls the webhook',
  due: 'two thirds of its lifetime had passed',
  'new-authority': 'it was signed by an earlier CA',
  incomplete: 'it did not contain the CA',
};

const OBJECTS: Readonly<Record<ChangedObject, string>> = {
  authority: 'CA of the webhook',
  serving: 'serving certificate of the webhook',
  bundle: 'caBundle of the webhook configuration',
};

/** The note of the event about replaced content. */
export function replacedNote({ object, cause }: Change): string {
  return `Replaced the ${OBJECTS[object]}: ${CAUSES[cause]}.`;
}

/** Returns the sentences about a plan that leaves the certificates alone, with the command that helps. */
export function describeSkipped(plan: Extract<CertificatePlan, { kind: 'leave-alone' }>, namespace: string): string {
  if (plan.reason === 'clock-skew') return describeSkew(plan.skewMs);
  const secret = plan.secret === 'authority' ? AUTHORITY_SECRET : SERVING_SECRET;
  return (
    `The Secret ${secret} is managed by ${plan.by}, so the operator changes neither it nor the caBundle of the webhook ` +
    `configuration. To let the operator issue the certificate: kubectl -n ${namespace} delete secret ${secret}. To keep ` +
    'the other manager, add the component cert-manager, which sets ARCHPOLICY_CERTIFICATES=external.'
  );
}

/** In whole minutes, so that the message does not change at every check. */
function describeSkew(skewMs: number): string {
  const minutes = Math.round(Math.abs(skewMs) / MINUTE_MS);
  return (
    `The clock of the operator is ${minutes} minutes ${skewMs > 0 ? 'ahead of' : 'behind'} the clock of the API server, so ` +
    'no certificate of the webhook is renewed. Correct the clock that is wrong: timedatectl on the nodes.'
  );
}

/** Returns the sentences about an API server that rejects what the operator reads or writes. */
export function describeFailure(failure: string, namespace: string): string {
  const account = `system:serviceaccount:${namespace}:${OPERATOR}`;
  return (
    `The operator cannot keep the webhook's certificates in order: ${failure}. Check its rights: ` +
    `kubectl -n ${namespace} auth can-i --list --as=${account}`
  );
}
