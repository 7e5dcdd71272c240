import { EvictionLedger } from '@archpolicy/core';
import type { BrakeState, ReportReason } from '@archpolicy/core';
import type { ClusterViewWithPods } from '@archpolicy/cluster-view';
import type { Clock, EventInput, Leadership, ReconcileResult } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import { STAYING_REASONS } from '../metrics.ts';
import type { OperatorMetrics } from '../metrics.ts';
import { BrakeWatch } from '../reporting/brake-monitor.ts';
import { Evictor } from './eviction/evictor.ts';
import { Faults } from './eviction/placement-violations.ts';
import { feed } from './resync/event-handlers.ts';
import { Judge } from './evaluation/pod-evaluator.ts';
import { LineUp } from './resync/enqueue-all.ts';
import { Passes } from './resync/progress.ts';
import type { Evict, Jobs, PodImages, PodReader, Webhook } from './ports.ts';
import { dueForRecheck, recheckIntervals } from './resync/schedule.ts';
import { Reconciler } from './reconciler.ts';
import type { ReadinessHistory } from './evaluation/readiness-history.ts';
import { Replacements } from './eviction/replacements.ts';
import { Reporter } from '../reporting/reporter.ts';
import { Stages } from './queue/eviction-pipeline.ts';
import { Tally } from '../statistics/policy-pod-stats.ts';
import { Tries } from './eviction/eviction-attempts.ts';
import { Turns } from './queue/fair-queue.ts';

/** The beat of everything periodic: the webhook's return, the recheck's share, the gauges. */
const BEAT_MS = 500;

export interface RemediationOptions {
  readonly views: Pick<ClusterViewWithPods, 'pods' | 'nodes' | 'namespaces' | 'policies'>;
  readonly images: PodImages;
  readonly jobs: Jobs;
  readonly reader: PodReader;
  readonly evict: Evict;
  readonly webhook: Webhook;
  readonly readiness: Pick<ReadinessHistory, 'hasBeenReady'>;
  readonly events: { record(event: EventInput): void };
  readonly metrics: OperatorMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The counts of a policy may have changed. */
  readonly onCounts: (policy: string) => void;
  readonly onEvicted: (policy: string) => void;
  /** R9: the preference is to be skipped for this workload. */
  readonly onRelax: (policy: string, workload: string, untilMs: number) => void;
}

/** One leader's term of finding misplaced pods and putting them right. */
export class Remediation {
  readonly #options: RemediationOptions;
  readonly #stages: Stages;
  readonly #tally: Tally;
  readonly #passes = new Passes();
  readonly #lineUp: LineUp;
  readonly #turns: Turns;
  readonly #replacements: Replacements;
  readonly #faults: Faults;
  readonly #brake: BrakeWatch;
  readonly #reconciler: Reconciler;
  #beatAtMs: number;
  #wasReachable = false;

  constructor(options: RemediationOptions, leadership: Pick<Leadership, 'isHeld'>) {
    this.#options = options;
    const { clock, views } = options;
    const ledger = new EvictionLedger(clock.monotonic());
    const tries = new Tries();
    const judge = new Judge({ ...options, ...views, ledger, tries });
    const reporter = new Reporter(options);
    this.#brake = new BrakeWatch({ ...options, ledger, policies: views.policies });
    this.#replacements = new Replacements({ pods: views.pods, ledger, clock });
    this.#faults = new Faults({
      ...options,
      nodes: views.nodes,
      ledger,
      onFault: (kind, pod) => {
        options.metrics.fault(kind);
        reporter.fault(pod, kind);
      },
    });
    this.#stages = this.#createStages();
    this.#lineUp = new LineUp({
      pods: views.pods,
      passes: this.#passes,
      queue: this.#stages.looks,
      clock,
      onLast: () => {
        this.#allLookedAt();
      },
    });
    this.#tally = new Tally(options.onCounts);
    this.#turns = new Turns({
      ledger,
      clock,
      wake: (key, delayMs) => {
        this.#stages.look(key, delayMs);
      },
    });
    this.#reconciler = new Reconciler({
      ...options,
      judge,
      tally: this.#tally,
      tries,
      turns: this.#turns,
      nodes: views.nodes,
      evictor: new Evictor({ ...options, judge, lease: leadership, ledger, tries, onAnswer: options.metrics.answer }),
      replacements: this.#replacements,
      faults: this.#faults,
      reporter,
      onLanding: options.metrics.landing,
      onDue: (key) => {
        this.#stages.evict(key);
      },
    });
    this.#beatAtMs = clock.now();
  }

  #createStages(): Stages {
    const { clock, logger } = this.#options;
    return new Stages({
      clock,
      look: (key, signal) => this.#look(key, signal),
      evict: (key, signal) => this.#timed(() => this.#reconciler.evict(key, signal)),
      observer: {
        failed: (key, err) => {
          logger.warn({ err, pod: key }, 'pod could not be reconciled');
          // Those behind it do not wait for what is wrong with it.
          this.#turns.leave(key);
        },
      },
    });
  }

  get tally(): Pick<Tally, 'counts' | 'get'> {
    return this.#tally;
  }

  /** Which evictions are stopped (R7). */
  get brake(): BrakeState {
    return this.#brake.state;
  }

  /** Epoch milliseconds; undefined until every pod has been looked at once. */
  get lastRecheckMs(): number | undefined {
    return this.#passes.completedAtMs;
  }

  /** Looks at these pods again: what is known of their images has changed. */
  lookAt(keys: Iterable<string>): void {
    for (const key of keys) this.#stages.look(key);
  }

  /** The webhook is called for other pods than before. */
  webhookChanged(): void {
    this.#lookAgain(NOT_CALLED);
  }

  /** Looks at every pod, then at whatever changes and periodically at all, until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { views, metrics } = this.#options;
    const end = feed(views, {
      pods: (keys) => {
        for (const key of keys) this.#stages.look(key);
      },
      bound: (pod) => {
        this.#replacements.bound(pod);
        this.#faults.bound(pod);
      },
      policyChanged: () => {
        this.#lineUp.request();
      },
      nodeChanged: () => {
        this.#lookAgain(HOMELESS);
      },
    });
    this.#lineUp.start(signal);
    const beats = this.#beat(signal);
    await this.#stages.run(signal);
    end();
    await beats;
    metrics.queue('remediation', 0);
  }

  #look(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { clock } = this.#options;
    const look = () => this.#timed(() => this.#reconciler.reconcile(key, signal));
    const onLast = () => {
      this.#allLookedAt();
    };
    return this.#passes.look(key, look, () => clock.now(), onLast);
  }

  async #timed(reconcile: () => Promise<ReconcileResult>): Promise<ReconcileResult> {
    const { clock, metrics } = this.#options;
    const startedAt = clock.monotonic();
    let outcome: 'ok' | 'error' = 'error';
    try {
      const result = await reconcile();
      outcome = 'ok';
      return result;
    } finally {
      metrics.reconciled('remediation', outcome, clock.monotonic() - startedAt);
    }
  }

  /** Pods that stay for such a reason. */
  #lookAgain(reasons: ReadonlySet<string>): void {
    for (const [key, { reason }] of this.#tally.entries()) if (reasons.has(reason)) this.#stages.look(key);
  }

  async #beat(signal: AbortSignal): Promise<void> {
    const { clock, webhook } = this.#options;
    while (!signal.aborted) {
      const isReachable = webhook.isReachable();
      if (isReachable && !this.#wasReachable) this.#turns.webhookAnswers();
      if (isReachable !== this.#wasReachable) this.#tellAllPolicies();
      this.#wasReachable = isReachable;
      if (this.#brake.look()) this.#tellAllPolicies();
      this.#recheck();
      this.#gauge();
      await clock.sleep(BEAT_MS, signal).catch(() => undefined);
    }
  }

  #recheck(): void {
    const { clock, views } = this.#options;
    const now = clock.now();
    const intervals = recheckIntervals(views.policies.list());
    for (const key of dueForRecheck(this.#tally.entries(), intervals, this.#beatAtMs, now)) {
      this.#passes.due(key);
      this.#stages.look(key);
    }
    this.#beatAtMs = now;
    const longest = Math.max(...intervals.values());
    const last = this.#passes.completedAtMs;
    if (last === undefined || now - last < longest) return;
    if (this.#passes.renew(now)) this.#tellAllPolicies();
  }

  #allLookedAt(): void {
    this.#stages.firstPassDone();
    this.#tellAllPolicies();
  }

  #tellAllPolicies(): void {
    for (const { name } of this.#options.views.policies.list()) this.#options.onCounts(name);
  }

  #gauge(): void {
    const { metrics } = this.#options;
    metrics.queue('remediation', this.#stages.length);
    metrics.misplaced(this.#tally.misplaced);
    for (const reason of STAYING_REASONS) metrics.staying(reason, this.#tally.staying(reason));
  }
}

/** A node that comes may be the one that its replacement needs. */
const HOMELESS: ReadonlySet<string> = new Set<ReportReason>(['NoNodeForReplacement', 'Unschedulable']);
const NOT_CALLED: ReadonlySet<string> = new Set<ReportReason>([
  'WebhookNotInstalled',
  'WebhookNotCalled',
  'WebhookCallUnknown',
]);
