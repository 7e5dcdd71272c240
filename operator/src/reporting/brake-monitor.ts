import type { Clock } from '@archpolicy/async';
import { API_GROUP, API_VERSION, ARCHPOLICY_KIND } from '@archpolicy/core';
import type { ArchPolicy, BrakeState, EvictionLedger } from '@archpolicy/core';
import type { EventInput } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import { Listeners } from '../listeners.ts';
import type { BrakeMetrics } from './brake-metrics.ts';
import { brakeNote } from './messages.ts';

export interface BrakeMonitorOptions {
  readonly ledger: Pick<EvictionLedger, 'brakeState'>;
  readonly policies: { list(): readonly ArchPolicy[] };
  readonly events: { record(event: EventInput): void };
  readonly metrics: Pick<BrakeMetrics, 'brake'>;
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>;
  readonly logger: Logger;
}

const REASONS = {
  running: 'EvictionsResumed',
  'owners-paused': 'OwnersStopped',
  paused: 'EvictionsStopped',
} as const satisfies Record<BrakeState['kind'], string>;

/** How often the state of the brake is read. */
const CHECK_MS = 500;

/**
 * Detects changes of the eviction brake. Reports them in the log, by a metric, and by events on the policies that
 * evict.
 */
export class BrakeMonitor {
  readonly #options: BrakeMonitorOptions;
  readonly #changes = new Listeners<BrakeState>();
  #state: BrakeState = { kind: 'running' };

  constructor(options: BrakeMonitorOptions) {
    this.#options = options;
  }

  /** The state at the last check. */
  get state(): BrakeState {
    return this.#state;
  }

  /** Calls the listener with each changed state. Returns an unsubscribe function. */
  subscribe(listener: (state: BrakeState) => void): () => void {
    return this.#changes.subscribe(listener);
  }

  /** Checks the brake until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#check();
      await this.#options.clock.sleep(CHECK_MS, signal).catch(() => undefined);
    }
  }

  #check(): void {
    const { ledger, clock, metrics, logger, policies } = this.#options;
    const state = ledger.brakeState(clock.monotonic());
    metrics.brake(state);
    if (isSame(state, this.#state)) return;
    this.#state = state;
    const fields = {
      brake: state.kind,
      owners: state.kind === 'running' ? undefined : state.owners.slice(0, MAX_LOGGED),
    };
    if (state.kind === 'running') logger.info(fields, 'evictions resumed');
    else logger.error(fields, 'evictions stopped');
    for (const policy of policies.list()) if (evicts(policy)) this.#record(policy, state);
    this.#changes.notify(state);
  }

  #record({ name, uid }: ArchPolicy, state: BrakeState): void {
    this.#options.events.record({
      regarding: { apiVersion: `${API_GROUP}/${API_VERSION}`, kind: ARCHPOLICY_KIND, name, uid },
      type: state.kind === 'running' ? 'Normal' : 'Warning',
      reason: REASONS[state.kind],
      action: 'Evict',
      note: brakeNote(state),
    });
  }
}

/** Maximum number of owners in a log line. */
const MAX_LOGGED = 10;

function evicts({ spec }: ArchPolicy): boolean {
  return spec.mode === 'Enforce' && spec.remediation.action === 'Evict';
}

function isSame(one: BrakeState, other: BrakeState): boolean {
  if (one.kind === 'running' || other.kind === 'running') return one.kind === other.kind;
  return (
    one.kind === other.kind &&
    one.owners.length === other.owners.length &&
    one.owners.every((owner, index) => owner === other.owners[index])
  );
}
