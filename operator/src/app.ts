import type { Clock } from '@archpolicy/async';
import { createClusterViewWithPods, createCronJobView, CachedPullSecrets } from '@archpolicy/cluster-view';
import type { ClusterViewOptions, ClusterViewWithPods } from '@archpolicy/cluster-view';
import { DeploymentOwner, EventRecorder, LeaderElection, LeaseObserver } from '@archpolicy/kube';
import { OPERATOR, runProcess, WEBHOOK } from '@archpolicy/process';
import type { ManagedProcess } from '@archpolicy/process';
import { declareLeaseMetrics, declarePullSecretMetrics, declareReflectorMetrics } from '@archpolicy/service';
import type { RunContext } from '@archpolicy/service';
import { CertificateController, NO_CERTIFICATES } from './certificates/certificate-controller.ts';
import type { CertificateState } from './certificates/certificate-controller.ts';
import { declareCertificateMetrics } from './certificates/metrics.ts';
import { readOperatorConfig } from './config.ts';
import type { OperatorConfig } from './config.ts';
import { OperatorError } from './errors.ts';
import { GateAges } from './gate/gated-pods.ts';
import { createGateMetrics } from './gate/metrics.ts';
import type { GateMetrics } from './gate/metrics.ts';
import { OverdueGates } from './gate/overdue-gates.ts';
import { RawPodCache } from './gate/raw-pod-cache.ts';
import { declareKeepWarmMetrics } from './keep-warm/metrics.ts';
import { declareMetrics } from './metrics.ts';
import type { OperatorMetrics } from './metrics.ts';
import { runAsLeader } from './leader.ts';
import type { LeaderOptions } from './leader.ts';
import { NodeReservations } from './remediation/evaluation/node-reservations.ts';
import { ReadinessHistory } from './remediation/evaluation/readiness-history.ts';
import { UnschedulableHistory } from './remediation/evaluation/unschedulable-history.ts';

/**
 * Maximum duration of the release of all resources, except the Lease, which is released before them. Up to one second
 * is for sending the queued events. With this limit, the process exits within 5 s, or 7 s if it waits for responses to evictions.
 */
const CLOSE_ALL_MS = 3_000;

/** The `reportingController` of the Events that the operator records. */
const EVENT_CONTROLLER = 'archpolicy.dev/operator';

/**
 * Runs the operator until the signal aborts, then releases all resources.
 *
 * @param leaderClock the clock of the leader's work. The Lease and the rest of the process use the context's clock
 */
export async function runOperator(context: RunContext, leaderClock: Clock = context.clock): Promise<void> {
  const config = readOperatorConfig(context.env);
  await runProcess(context, { name: OPERATOR, config, closeWithinMs: CLOSE_ALL_MS }, (process) =>
    new Operator(process, leaderClock).lead(context.signal),
  );
}

/** Starts the parts of the process in order. */
class Operator {
  readonly #process: ManagedProcess<OperatorConfig>;
  readonly #leaderClock: Clock;
  readonly #owner: DeploymentOwner;
  readonly #election: LeaderElection;

  constructor(process: ManagedProcess<OperatorConfig>, leaderClock: Clock) {
    this.#process = process;
    this.#leaderClock = leaderClock;
    const { api, clock, logger, config, instance } = process;
    const deployment = { namespace: config.namespace, name: OPERATOR };
    this.#owner = new DeploymentOwner({ api, clock, logger, deployment });
    this.#election = new LeaderElection({
      api,
      clock,
      logger,
      lease: { namespace: config.namespace, name: OPERATOR },
      owner: () => this.#owner.reference,
      identity: instance,
      random: Math.random,
    });
  }

  /**
   * Starts all watches at once, so that the views of a standby are already complete when it is elected. Then waits for
   * the election, and leads.
   */
  async lead(signal: AbortSignal): Promise<void> {
    const { api, clock, logger, config, metrics: registry } = this.#process;
    const metrics = declareMetrics(registry);
    const observe = declareReflectorMetrics(registry, clock);
    const gateMetrics = createGateMetrics(registry);
    const rawPods = new RawPodCache();
    const gateAges = this.#observeGates(gateMetrics);
    const readiness = new ReadinessHistory(this.#leaderClock);
    const unschedulable = new UnschedulableHistory(this.#leaderClock);
    const views = createClusterViewWithPods({
      api,
      clock,
      random: Math.random,
      logger,
      observe,
      onPod: (raw) => {
        rawPods.observe(raw);
      },
    });
    const reservations = new NodeReservations(views.pods);
    // In the leader, the gate controller removes a pod from `rawPods` when it lifts the pod's gate. A standby lifts no
    // gates, so deleted pods are removed here to make room for new ones.
    views.pods.subscribe((event) => {
      readiness.onPodChanged(event);
      unschedulable.onPodChanged(event);
      reservations.onPodChanged(event);
      gateAges.onPodChanged(event);
      if (event.type === 'deleted') rawPods.drop(event.key);
    });
    const inspector = await this.#process.openInspector();
    await this.#process.startOps({
      reflectors: () => (views.hasSynced ? { ok: true } : { ok: false, reason: 'the initial LISTs are not complete' }),
    });
    const events = this.#recordEvents(metrics);
    const lease = this.#observeWebhook();
    declareLeaseMetrics(registry, { operator: () => this.#election.state, webhook: () => lease.state });
    this.#process.runInBackground('cluster view', (closing) => views.run(closing));
    const overdue = new OverdueGates({ api, view: views, metrics: gateMetrics, clock, logger });
    this.#process.runInBackground('overdue gates', (closing) => overdue.run(closing));
    const leader: LeaderOptions = {
      api,
      logger,
      clock: this.#leaderClock,
      views,
      rawPods,
      ...{ readiness, unschedulable, reservations },
      inspector,
      ...(config.redisUrl !== undefined && { platformChecker: inspector }),
      pullSecrets: new CachedPullSecrets({ api, clock, logger, onRead: declarePullSecretMetrics(registry) }),
      webhookLease: lease,
      ...{ namespace: config.namespace, maxEvictionsPerMinute: config.maxEvictionsPerMinute },
      ...{ events, instance: this.#process.instance, owner: () => this.#owner.reference },
      certificates: this.#keepCertificates(events),
      ...{ metrics, gateMetrics, random: Math.random },
      ...this.#keepWarm(observe),
    };
    // A replica that cannot work must not hold the Lease: the webhook gates pods while the Lease is renewed, and a
    // replica that has synced would have to wait until the Lease expires.
    if (await this.#synced(views, signal)) await this.#elect(signal, (leadership) => runAsLeader(leader, leadership));
  }

  /** Waits for complete views. Returns false if the signal is aborted first. */
  async #synced(views: Pick<ClusterViewWithPods, 'synced'>, signal: AbortSignal): Promise<boolean> {
    try {
      await views.synced(signal);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }

  #observeGates(metrics: Pick<GateMetrics, 'watchPods'>): GateAges {
    const { clock } = this.#process;
    const ages = new GateAges();
    metrics.watchPods(() => ({ pods: ages.size, oldestMs: ages.oldestMs(clock.now()) }));
    return ages;
  }

  #recordEvents({ events: observer }: Pick<OperatorMetrics, 'events'>): EventRecorder {
    const { api, clock, logger, instance } = this.#process;
    const events = new EventRecorder({
      api,
      clock,
      logger,
      controller: EVENT_CONTROLLER,
      instance,
      random: Math.random,
      observer,
    });
    this.#process.runInBackground('events', (closing) => events.run(closing));
    return events;
  }

  /** Starts before the views have synced, because the certificates must not expire while a LIST fails. */
  #keepCertificates(events: EventRecorder): CertificateState {
    const { api, clock, logger, config, metrics: registry } = this.#process;
    const metrics = declareCertificateMetrics(registry);
    if (config.certificates === 'external') return NO_CERTIFICATES;
    const { namespace, certificateLifetime: servingMs, caLifetime: authorityMs } = config;
    const lifetimes = { servingMs, authorityMs };
    const webhook = new DeploymentOwner({ api, clock, logger, deployment: { namespace, name: WEBHOOK } });
    this.#process.runInBackground('owner of certificates', async (closing) => {
      await webhook.refresh(closing);
      await webhook.run(closing);
    });
    const owners = { operator: () => this.#owner.reference, webhook: () => webhook.reference };
    const certificates = new CertificateController({
      ...{ api, clock, logger, namespace, lifetimes, owners, events, metrics },
    });
    this.#process.runInBackground('certificates', (closing) => certificates.run(closing));
    return certificates;
  }

  #observeWebhook(): LeaseObserver {
    const { api, clock, logger, config } = this.#process;
    const lease = new LeaseObserver({
      api,
      clock,
      logger,
      lease: { namespace: config.namespace, name: WEBHOOK },
      // The webhook may have crashed since its last renewal. Trusting that renewal costs nothing: the webhook is probed
      // before the first eviction.
      trustFirstRead: true,
    });
    this.#process.runInBackground('webhook lease', (closing) => lease.run(closing));
    return lease;
  }

  /**
   * Returns no options if there is no shared cache, because keep-warm would then fill only the operator's own memory,
   * which the webhook cannot read.
   */
  #keepWarm(observe: ClusterViewOptions['observe']): Pick<LeaderOptions, 'keepWarm'> {
    const { api, clock, logger, config } = this.#process;
    if (config.keepWarm === 'off' || config.redisUrl === undefined) return {};
    const observed = observe === undefined ? {} : { observe };
    const cronJobs = createCronJobView({ api, clock, logger, random: Math.random, ...observed });
    this.#process.runInBackground('CronJobs', (closing) => cronJobs.run(closing));
    return { keepWarm: { cronJobs, metrics: declareKeepWarmMetrics(this.#process.metrics) } };
  }

  async #elect(signal: AbortSignal, lead: Parameters<LeaderElection['run']>[1]): Promise<void> {
    // Before the Lease is created, so that it has its owner from the beginning.
    await this.#owner.refresh(signal);
    this.#process.runInBackground('owner', (closing) => this.#owner.run(closing));
    const end = await this.#election.run(signal, lead).catch((error: unknown) => {
      // A rejection after the signal is expected, because the shutdown aborts the leader's work.
      if (signal.aborted) return 'stopped';
      throw error;
    });
    if (end === 'lost') throw new OperatorError('LeaseLost', 'the Lease was lost: another process may lead');
  }
}
