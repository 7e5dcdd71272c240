import type { NamespaceFacts } from '../kubernetes/facts.ts';
import type { PodLabels } from '../kubernetes/labels.ts';
import { LABEL_SKIP, SKIP_VALUE } from '../kubernetes/archpolicy-keys.ts';

/** Returns whether the pod or its namespace has `archpolicy.dev/skip: "true"` (PL1, R1). */
export function isSkipped(podLabels: PodLabels, { labels }: Pick<NamespaceFacts, 'labels'>): boolean {
  return podLabels[LABEL_SKIP] === SKIP_VALUE || labels[LABEL_SKIP] === SKIP_VALUE;
}
