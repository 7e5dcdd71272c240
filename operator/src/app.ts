import { createClusterViewWithPods, createCronJobView, KeptPullSecrets } from '@archpolicy/cluster-view';
import type { ClusterViewOptions, ClusterViewWithPods } from '@archpolicy/cluster-view';
import { EventRecorder, LeaderElection, LeaseObserver } from '@archpolicy/kube';
import type { ApiClient } from '@archpolicy/kube';
import { createInspector } from '@archpolicy/registry';
import type { Inspector } from '@archpolicy/registry';
import {
  Closers,
  collectProcessMetrics,
  createLogger,
  createRegistry,
  declareInspectionMetrics,
  declarePullSecretMetrics,
  declareReflectorMetrics,
  Health,
  sharedCacheOf,
  startOpsServer,
} from '@archpolicy/service';
import type { Clock, RunContext } from '@archpolicy/service';
import { readOperatorConfig } from './config.ts';
import type { OperatorConfig } from './config.ts';
import { connectApi, openRegistries } from './connect.ts';
import { OperatorError } from './errors.ts';
import { createGateMetrics } from './gate/metrics.ts';
import { RawPods } from './gate/raw-pods.ts';
import { EVENT_CONTROLLER, identity, NAME, VERSION, WEBHOOK_LEASE } from './identity.ts';
import { declareKeepWarmMetrics } from './keep-warm/metrics.ts';
import { declareMetrics } from './metrics.ts';
import { runAsLeader } from './leader.ts';
import type { LeaderOptions } from './leader.ts';
import { ReadinessHistory } from './remediation/evaluation/readiness-history.ts';

/** Events that are left take a second, the Lease was given back before: the process ends within 5 s. */
const CLOSE_ALL_MS = 3_000;

/**
 * Runs the operator until the signal aborts, and releases everything.
 *
 * @param leaderClock the clock of the leader's work; its Lease and the rest of the process use the context's clock
 */
export async function runOperator({ env, signal, clock }: RunContext, leaderClock: Clock = clock): Promise<void> {
  const config = readOperatorConfig(env);
  const logger = createLogger({ name: NAME, level: config.logLevel });
  const closers = new Closers({ clock, logger });
  try {
    const api = await connectApi(config, { clock, logger });
    closers.add('API client', () => api.close());
    await new OperatorProcess({ config, clock, leaderClock, logger, closers, api }).lead(signal);
    logger.info({}, 'closing');
  } finally {
    await closers.closeAll(CLOSE_ALL_MS);
  }
}

interface ProcessOptions {
  readonly config: OperatorConfig;
  readonly clock: Clock;
  readonly leaderClock: Clock;
  readonly logger: ReturnType<typeof createLogger>;
  readonly closers: Closers;
  readonly api: ApiClient;
}

/** The process's parts, in the order in which they come up. Each is closed by `closers`, in the reverse order. */
class OperatorProcess {
  readonly #options: ProcessOptions;
  readonly #registry = createRegistry();
  readonly #identity = identity();

  constructor(options: ProcessOptions) {
    this.#options = options;
  }

  /** Watches from the start, so that a standby is warm; leads when it is its turn. */
  async lead(signal: AbortSignal): Promise<void> {
    const { api, clock, logger, config } = this.#options;
    const metrics = declareMetrics(this.#registry);
    const observe = declareReflectorMetrics(this.#registry);
    const gateMetrics = createGateMetrics(this.#registry);
    const rawPods = new RawPods();
    const readiness = new ReadinessHistory(clock);
    const views = createClusterViewWithPods({
      api,
      clock,
      random: Math.random,
      logger,
      observe,
      seePod: (raw) => {
        rawPods.see(raw);
      },
    });
    // A standby lifts nothing: what is gone must not take the place of what comes.
    views.pods.subscribe((event) => {
      readiness.onPodChanged(event);
      if (event.type === 'deleted') rawPods.drop(event.key);
    });
    const inspector = await this.#startInspector();
    await this.#startOps(views);
    const events = new EventRecorder({
      ...this.#options,
      controller: EVENT_CONTROLLER,
      instance: this.#identity,
      random: Math.random,
      observer: metrics.events,
    });
    const lease = new LeaseObserver({
      ...this.#options,
      lease: { namespace: config.namespace, name: WEBHOOK_LEASE },
      // A dead webhook's last word costs at most one eviction per owner: a new leader has one place for each.
      trustFirstSight: true,
    });
    this.#background('cluster view', (closing) => views.run(closing));
    this.#background('webhook lease', (closing) => lease.run(closing));
    this.#background('events', (closing) => events.run(closing));
    const leader: LeaderOptions = {
      ...this.#options,
      clock: this.#options.leaderClock,
      views,
      rawPods,
      readiness,
      inspector,
      pullSecrets: new KeptPullSecrets({ api, clock, logger, onRead: declarePullSecretMetrics(this.#registry) }),
      webhookLease: lease,
      namespace: config.namespace,
      events,
      metrics,
      gateMetrics,
      random: Math.random,
      ...this.#keepWarm(observe),
    };
    await this.#elect(signal, (leadership) => runAsLeader(leader, leadership));
  }

  /** Without a shared cache it would warm nobody's memory but the operator's own. */
  #keepWarm(observe: ClusterViewOptions['observe']): Pick<LeaderOptions, 'keepWarm'> {
    const { config } = this.#options;
    if (config.keepWarm === 'off' || config.redisUrl === undefined) return {};
    const told = observe === undefined ? {} : { observe };
    const cronJobs = createCronJobView({ ...this.#options, random: Math.random, ...told });
    this.#background('CronJobs', (closing) => cronJobs.run(closing));
    return { keepWarm: { cronJobs, metrics: declareKeepWarmMetrics(this.#registry) } };
  }

  async #elect(signal: AbortSignal, lead: Parameters<LeaderElection['run']>[1]): Promise<void> {
    const { config } = this.#options;
    const election = new LeaderElection({
      ...this.#options,
      lease: { namespace: config.namespace, name: NAME },
      identity: this.#identity,
      random: Math.random,
    });
    const end = await election.run(signal, lead).catch((error: unknown) => {
      // What was under way when the process was told to end may say so.
      if (signal.aborted) return 'stopped';
      throw error;
    });
    if (end === 'lost') throw new OperatorError('LeaseLost', 'the Lease was lost: another process may lead');
  }

  async #startOps(views: ClusterViewWithPods): Promise<void> {
    const { config, closers } = this.#options;
    collectProcessMetrics(this.#registry);
    const health = new Health();
    health.addReadiness('reflectors', () =>
      views.hasSynced ? { ok: true } : { ok: false, reason: 'the first lists are not complete' },
    );
    const ops = await startOpsServer({ address: config.metricsAddress, health, registry: this.#registry });
    closers.add('ops server', () => ops.close());
  }

  async #startInspector(): Promise<Inspector> {
    const { clock, logger, closers, config } = this.#options;
    const metrics = declareInspectionMetrics(this.#registry);
    const registries = await openRegistries(config, { clock, logger, metrics });
    this.#background('registries file', registries.run);
    const redis = sharedCacheOf(config);
    const inspector = createInspector({
      clock,
      logger,
      registries: registries.source,
      metrics,
      userAgent: `archpolicy/${VERSION}`,
      ...(redis === undefined ? {} : { redis }),
    });
    closers.add('inspector', () => inspector.close());
    return inspector;
  }

  /** Runs until it is closed. */
  #background(name: string, run: (closing: AbortSignal) => Promise<void>): void {
    const closing = new AbortController();
    const running = run(closing.signal);
    this.#options.closers.add(name, async () => {
      closing.abort();
      await running;
    });
  }
}
