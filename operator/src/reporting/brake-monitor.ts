import type { ArchPolicy, BrakeState, EvictionLedger } from '@archpolicy/core';
import type { Clock, EventInput } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import type { BrakeMetrics } from './brake-metrics.ts';
import { brakeNote } from './messages.ts';
import type { Policies } from '../remediation/ports.ts';

export interface BrakeWatchOptions {
  readonly ledger: Pick<EvictionLedger, 'brake'>;
  readonly policies: Policies;
  readonly events: { record(event: EventInput): void };
  readonly metrics: Pick<BrakeMetrics, 'brake'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Logger;
}

const REASONS = {
  open: 'EvictionsResumed',
  'owners-stopped': 'OwnersStopped',
  'all-stopped': 'EvictionsStopped',
} as const satisfies Record<BrakeState['kind'], string>;

/** Notices when the brake closes and opens, and tells people: by events on the policies that evict, log and metric. */
export class BrakeWatch {
  readonly #options: BrakeWatchOptions;
  #state: BrakeState = { kind: 'open' };

  constructor(options: BrakeWatchOptions) {
    this.#options = options;
  }

  /** As it was at the last look. */
  get state(): BrakeState {
    return this.#state;
  }

  /** Whether it is another than at the last look. */
  look(): boolean {
    const { ledger, clock, metrics, logger, policies } = this.#options;
    const state = ledger.brake(clock.monotonic());
    metrics.brake(state);
    if (isSame(state, this.#state)) return false;
    this.#state = state;
    const fields = { brake: state.kind, owners: state.kind === 'open' ? undefined : state.owners.slice(0, MAX_LOGGED) };
    if (state.kind === 'open') logger.info(fields, 'evictions go on');
    else logger.error(fields, 'evictions are stopped');
    for (const policy of policies.list()) if (evicts(policy)) this.#tell(policy, state);
    return true;
  }

  #tell({ name, uid }: ArchPolicy, state: BrakeState): void {
    this.#options.events.record({
      regarding: { apiVersion: 'archpolicy.dev/v1alpha1', kind: 'ArchPolicy', name, uid },
      type: state.kind === 'open' ? 'Normal' : 'Warning',
      reason: REASONS[state.kind],
      action: 'Evict',
      note: brakeNote(state),
    });
  }
}

/** Owners in a line of the log. */
const MAX_LOGGED = 10;

function evicts({ spec }: ArchPolicy): boolean {
  return spec.mode === 'Enforce' && spec.remediation.action === 'Evict';
}

function isSame(one: BrakeState, other: BrakeState): boolean {
  if (one.kind === 'open' || other.kind === 'open') return one.kind === other.kind;
  return (
    one.kind === other.kind &&
    one.owners.length === other.owners.length &&
    one.owners.every((owner, index) => owner === other.owners[index])
  );
}
