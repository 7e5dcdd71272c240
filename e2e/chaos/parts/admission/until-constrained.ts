import { waitFor } from '@archpolicy/e2e';
import type { Verdict } from './reviews.ts';

const EVERY_MS = 500;

/**
 * Reviews a pod again and again until it is constrained. Returns the milliseconds until then.
 * @throws ClusterError after the timeout
 */
export async function untilConstrained(review: () => Promise<Verdict>, timeoutMs: number): Promise<number> {
  const startedAt = performance.now();
  await waitFor(async () => (await review()).kind === 'constrained', {
    timeoutMs,
    intervalMs: EVERY_MS,
    what: 'a pod to be constrained',
  });
  return performance.now() - startedAt;
}
