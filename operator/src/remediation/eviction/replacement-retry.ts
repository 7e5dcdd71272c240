import { MIN_DELAY_MS } from '../evaluation/evaluation-retry.ts';
import type { Done } from '../queue/eviction-pipeline.ts';
import type { ReplacementState } from './replacements.ts';

/**
 * Returns the next step for a pod. For a replacement that is coming up, it is an evaluation when the replacement should
 * be up, unless `next` is an earlier evaluation. For all other pods, it is `next`.
 */
export function evaluateWhenUp(next: Done, replacement: ReplacementState | undefined, nowMs: number): Done {
  if (replacement?.kind !== 'coming-up' || replacement.untilMs === undefined) return next;
  const afterMs = Math.max(replacement.untilMs - nowMs, MIN_DELAY_MS);
  return next.kind === 'evaluate' && next.afterMs < afterMs ? next : { kind: 'evaluate', afterMs };
}
