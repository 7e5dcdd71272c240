import type { Labels, NamespaceFacts } from '../kubernetes/facts.ts';
import { labelOf } from '../kubernetes/read.ts';
import { LABEL_SKIP, SKIP_VALUE } from '../policy/keys.ts';

/** Whether the pod or its namespace carries `archpolicy.dev/skip: "true"` (PL1, R1). */
export function isSkipped(podLabels: Labels, namespace: Pick<NamespaceFacts, 'labels'>): boolean {
  return hasSkipLabel(podLabels) || hasSkipLabel(namespace.labels);
}

function hasSkipLabel(labels: Labels): boolean {
  return labelOf(labels, LABEL_SKIP) === SKIP_VALUE;
}
