import { MIN_DELAY_MS } from '../evaluation/evaluation-retry.ts';
import type { Done } from '../queue/eviction-pipeline.ts';
import type { ReplacementState } from './replacements.ts';

/** Schedules another evaluation of a replacement that is coming up, for the time at which it should be up, if that is earlier than `next`. */
export function evaluateWhenUp(next: Done, replacement: ReplacementState | undefined, nowMs: number): Done {
  if (replacement?.kind !== 'coming-up' || replacement.untilMs === undefined) return next;
  const afterMs = Math.max(replacement.untilMs - nowMs, MIN_DELAY_MS);
  return next.kind === 'evaluate' && next.afterMs < afterMs ? next : { kind: 'evaluate', afterMs };
}
