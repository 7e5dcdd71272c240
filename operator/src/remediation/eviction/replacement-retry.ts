import { MIN_DELAY_MS } from '../evaluation/evaluation-retry.ts';
import type { Done } from '../queue/eviction-pipeline.ts';
import type { ReplacementState } from './replacements.ts';

/** Evaluates a replacement that is coming up again when it is due to be up, if that is before the next evaluation. */
export function evaluateWhenUp(next: Done, replacement: ReplacementState | undefined, nowMs: number): Done {
  if (replacement?.kind !== 'coming-up' || replacement.untilMs === undefined) return next;
  const afterMs = Math.max(replacement.untilMs - nowMs, MIN_DELAY_MS);
  return next.kind === 'evaluate' && next.afterMs < afterMs ? next : { kind: 'evaluate', afterMs };
}
