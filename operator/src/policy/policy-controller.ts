import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '@archpolicy/async';
import type {
  ArchPolicy,
  ArchPolicyStatus,
  BrakeState,
  Json,
  NamespaceFacts,
  NodeFacts,
  StuckWorkload,
} from '@archpolicy/core';
import type { InvalidPolicy, PolicyEntry, PolicyView } from '@archpolicy/cluster-view';
import { runWorkers, WorkQueue } from '@archpolicy/kube';
import type { ReconcileResult } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import { timeReconcile } from '../controller-metrics.ts';
import type { ControllerMetrics } from '../controller-metrics.ts';
import type { PolicyCounts } from '../statistics/policy-pod-stats.ts';
import type { TolerationProbeResult } from '../webhook-health/toleration-probe.ts';
import type { WebhookStatus } from '../webhook-health/webhook-status.ts';
import { DegradedGauge } from './degraded-gauge.ts';
import { EvictedCounts } from './evicted-counts.ts';
import type { PolicyMetrics } from './metrics.ts';
import { Relaxations } from './relaxations/relaxations.ts';
import { buildInvalidStatus, buildStatus } from './status.ts';
import type { OwnStatus } from './status.ts';

/** Minimum interval of status writes per policy, to limit the load of the API server. */
const MIN_WRITE_INTERVAL_MS = 5_000;
/**
 * Delay before a changed policy is reconciled. Changes arrive in bursts, one per pod. Because of the delay, one
 * reconcile covers many changes.
 */
const GATHER_MS = 250;
/**
 * Delay after a status write until the policy is reconciled again. That reconcile checks that the policy has the
 * written status.
 */
const CONFIRM_MS = MIN_WRITE_INTERVAL_MS;

/** The inputs of the status in addition to the policy. */
export interface StatusSource {
  readonly counts: (policy: string) => PolicyCounts;
  readonly lastRecheckMs: () => number | undefined;
  readonly nodes: () => readonly NodeFacts[];
  readonly namespaces: () => readonly NamespaceFacts[];
  readonly webhook: () => WebhookStatus;
  readonly tolerations: (policy: ArchPolicy) => TolerationProbeResult | undefined;
  /** Returns sentences about architectures that images of the policy’s pods have lost. */
  readonly losses: (policy: string) => readonly string[];
  readonly brake: () => BrakeState;
  readonly recordFailing: () => boolean;
  /** Why the webhook's certificates cannot be kept in order; undefined if they can. */
  readonly certificates: () => string | undefined;
}

/** Writes a status. Returns false if the outcome is unknown. */
export type WriteStatus = (
  policy: { readonly name: string; readonly resourceVersion: string },
  status: Json,
) => Promise<boolean>;

/** The inputs of statuses, and the function that writes a status. */
export interface StatusPorts {
  readonly source: StatusSource;
  readonly write: WriteStatus;
}

export interface PolicyControllerOptions {
  readonly policies: Pick<PolicyView, 'get' | 'list' | 'invalid'>;
  readonly isLeading: () => boolean;
  readonly metrics: ControllerMetrics & PolicyMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Reconciles the status of each ArchPolicy. Writes a policy's status at most once in 5 s, and only if the status has
 * changed. Each reconcile computes the whole status from the current state.
 */
export class PolicyController {
  readonly #options: PolicyControllerOptions;
  readonly #queue: WorkQueue<string>;
  readonly #evicted = new EvictedCounts();
  readonly #relaxations = new Relaxations();
  readonly #degraded: DegradedGauge;
  /** The time of the last write, monotonic milliseconds, by policy. */
  readonly #writtenAt = new Map<string, number>();
  /** The uid and generation of each invalid policy whose status was written, by the name of the policy. */
  readonly #reportedInvalid = new Map<string, string>();

  constructor(options: PolicyControllerOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({ clock: options.clock });
    this.#degraded = new DegradedGauge(options.metrics.degraded);
    options.metrics.watchQueue('policy', this.#queue);
  }

  /** Enqueues a policy that may have changed, or whose counts may have changed. */
  touch(name: string): void {
    this.#queue.addAfter(name, GATHER_MS);
  }

  /** Enqueues all policies, because an input of all their statuses has changed, such as the nodes. */
  touchAll(): void {
    const { policies } = this.#options;
    for (const { name } of [...policies.list(), ...policies.invalid()]) this.touch(name);
  }

  /** R9: relaxes the policy's preference for this workload: adds an entry to the policy's status. */
  relax(policy: string, stuck: StuckWorkload): void {
    const entry = this.#options.policies.get(policy);
    if (entry?.kind !== 'ok') return;
    this.#relaxations.relax(entry.value, stuck, this.#options.clock.now());
    this.touch(policy);
  }

  evicted(policy: string): void {
    this.#evicted.add(policy);
    this.#options.metrics.evicted(policy);
    this.touch(policy);
  }

  /** Reconciles enqueued policies until the signal is aborted. */
  async run(ports: StatusPorts, signal: AbortSignal): Promise<void> {
    const { logger } = this.#options;
    await runWorkers(this.#queue, 1, (name) => this.#timed(name, ports), signal, {
      failed: (policy, err) => {
        logger.warn({ err, policy }, 'failed to reconcile policy, retrying');
      },
    });
    this.#queue.stop();
  }

  /**
   * Writes the counts of evictions that no status contains yet, without the minimum interval. To be called at the end of
   * a term, when all evictions have ended.
   */
  async writeLast(write: WriteStatus): Promise<void> {
    const { policies, metrics, logger } = this.#options;
    const writes = policies.list().map(async (policy) => {
      const evicted = this.#evicted.total(policy);
      if (policy.deleting === true || evicted === (policy.status?.pods?.evicted ?? 0)) return;
      const written = await write(policy, { pods: { evicted } }).catch((err: unknown) => {
        logger.warn({ err, policy: policy.name }, 'failed to write the count of evictions at the end of the term');
        return false;
      });
      metrics.statusWrite(written ? 'written' : 'unconfirmed');
    });
    await Promise.all(writes);
  }

  #timed(name: string, ports: StatusPorts): Promise<ReconcileResult> {
    return timeReconcile('policy', this.#options, () => this.#reconcile(name, ports));
  }

  async #reconcile(name: string, ports: StatusPorts): Promise<ReconcileResult> {
    const { policies, isLeading } = this.#options;
    const entry = policies.get(name);
    if (entry === undefined) {
      this.#forget(name);
      return {};
    }
    const wanted = this.#wanted(entry, ports.source);
    this.#degraded.set(name, wanted?.conditions);
    if (!isLeading() || wanted === undefined || this.#isWritten(entry, wanted)) return {};
    const waitMs = this.#waitMs(name);
    if (waitMs > 0) return { requeueAfterMs: waitMs };
    await this.#write(entry, wanted, ports.write);
    return { requeueAfterMs: CONFIRM_MS };
  }

  #forget(name: string): void {
    this.#writtenAt.delete(name);
    this.#reportedInvalid.delete(name);
    this.#evicted.drop(name);
    this.#relaxations.forget(name);
    this.#degraded.set(name, []);
  }

  #wanted(entry: PolicyEntry, source: StatusSource): OwnStatus | undefined {
    const nowMs = this.#options.clock.now();
    if (entry.kind === 'failed') return buildInvalidStatus(entry.failure.generation, entry.failure.problems, nowMs);
    const policy = entry.value;
    if (policy.deleting === true) return undefined;
    return buildStatus({
      policy,
      policies: this.#options.policies.list(),
      namespaces: source.namespaces(),
      counts: source.counts(policy.name),
      evicted: this.#evicted.total(policy),
      nodes: source.nodes(),
      lastRecheckMs: source.lastRecheckMs(),
      recordFailing: source.recordFailing(),
      certificates: source.certificates(),
      webhook: source.webhook(),
      tolerations: source.tolerations(policy),
      losses: source.losses(policy.name),
      brake: source.brake(),
      relaxed: this.#relaxations.of(policy, nowMs),
      nowMs,
    });
  }

  /** Whether the policy already has this status. */
  #isWritten(entry: PolicyEntry, wanted: OwnStatus): boolean {
    // The status of an invalid policy is not parsed, so it cannot be compared. It is written once per generation.
    if (entry.kind === 'failed') return this.#reportedInvalid.get(entry.failure.name) === toVersion(entry.failure);
    const current: ArchPolicyStatus = { ...entry.value.status };
    return isDeepStrictEqual(current, { ...wanted });
  }

  #waitMs(name: string): number {
    const writtenAt = this.#writtenAt.get(name);
    if (writtenAt === undefined) return 0;
    return writtenAt + MIN_WRITE_INTERVAL_MS - this.#options.clock.monotonic();
  }

  async #write(entry: PolicyEntry, status: OwnStatus, write: WriteStatus): Promise<void> {
    const { clock, metrics } = this.#options;
    const { name } = entry.kind === 'ok' ? entry.value : entry.failure;
    this.#writtenAt.set(name, clock.monotonic());
    const resourceVersion = entry.kind === 'ok' ? entry.value.resourceVersion : '';
    const written = await write({ name, resourceVersion }, toJson(status));
    metrics.statusWrite(written ? 'written' : 'unconfirmed');
    if (written && entry.kind === 'failed') this.#reportedInvalid.set(name, toVersion(entry.failure));
  }
}

function toVersion({ uid, generation }: InvalidPolicy): string {
  return `${uid}/${generation}`;
}

function toJson(status: OwnStatus): Json {
  return JSON.parse(JSON.stringify(status)) as Json;
}
