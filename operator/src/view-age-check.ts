import type { Clock } from '@archpolicy/async';
import type { ClusterView } from '@archpolicy/cluster-view';
import { OperatorError } from './errors.ts';
import type { Runnable } from './run-group.ts';

/**
 * Maximum time without an update of a resource, during which a replica leads. It is longer than a restart of the control
 * plane. An API server without a watch cache sends no bookmarks: there, each watch of a resource without changes ends after
 * 200 s, and after three of them a LIST is the next update, about 604 s after the last one.
 */
export const MAX_VIEW_AGE_MS = 15 * 60_000;
const CHECK_PERIOD_MS = 10_000;

interface Parts {
  readonly views: Pick<ClusterView, 'updatedAtMs'>;
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>;
}

/**
 * Ends the leader's work when the API server has sent no update of some resource for {@link MAX_VIEW_AGE_MS}. The Lease is
 * then released: another replica may be able to read the cluster. Otherwise the webhook stops gating pods.
 */
export class ViewAgeCheck implements Runnable {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { views, clock } = this.#parts;
    while (!signal.aborted) {
      const ageMs = clock.monotonic() - (views.updatedAtMs ?? Number.NEGATIVE_INFINITY);
      if (ageMs > MAX_VIEW_AGE_MS) {
        throw new OperatorError('ViewStale', 'the API server has sent no update of a resource for 15 minutes');
      }
      await clock.sleep(CHECK_PERIOD_MS, signal).catch(() => undefined);
    }
  }
}
