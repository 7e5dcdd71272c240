import { withoutUndefined } from '@archpolicy/core';
import type { Clock } from '@archpolicy/async';
import { ObservedApi } from '@archpolicy/kube';
import type { Api, ApiClient } from '@archpolicy/kube';
import { createInspector } from '@archpolicy/registry';
import type { Inspector, RedisOptions, RedisSource } from '@archpolicy/registry';
import {
  collectProcessMetrics,
  createRegistry,
  declareApiMetrics,
  declareBuildInfo,
  declareInspectionMetrics,
  Health,
  startOpsServer,
} from '@archpolicy/service';
import type { Check, ShutdownHooks, commonVariables, Config, createLogger } from '@archpolicy/service';
import { cacheSecretWatch } from './cache-secret.ts';
import { ClusterIdentity } from './cluster-identity.ts';
import { createInstanceId } from './instance-id.ts';
import { VERSION } from './names.ts';
import { openRegistries } from './open-registries.ts';
import { readRedis } from './read-redis.ts';
import type { RedisSettings } from './read-redis.ts';
import { readProxies } from './read-proxies.ts';

/** The part of a process's configuration that is the same in every process. */
export type ProcessConfig = Config<typeof commonVariables>;

/** The logger of a process. Each package declares which methods of the logger it uses. */
export type ProcessLogger = ReturnType<typeof createLogger>;

export interface ProcessParts<C extends ProcessConfig> {
  readonly config: C;
  readonly clock: Clock;
  readonly logger: ProcessLogger;
  /** Closed in reverse order when the process ends. */
  readonly shutdownHooks: ShutdownHooks;
  readonly api: ApiClient;
}

/** The parts that every process has. Everything that the methods open is closed when the process ends. */
export class ManagedProcess<C extends ProcessConfig> {
  readonly config: C;
  readonly clock: Clock;
  readonly logger: ProcessLogger;
  readonly shutdownHooks: ShutdownHooks;
  /** Counts each request. */
  readonly api: Api;
  readonly metrics = createRegistry();
  /**
   * The identity of this process as the holder of Leases and the reporter of Events. It differs between replicas and
   * between starts.
   */
  readonly instance = createInstanceId();

  constructor({ config, clock, logger, shutdownHooks, api }: ProcessParts<C>) {
    this.config = config;
    this.clock = clock;
    this.logger = logger;
    this.shutdownHooks = shutdownHooks;
    this.api = new ObservedApi({ api, clock, onEnded: declareApiMetrics(this.metrics, () => api.waiting) });
  }

  /** Runs a task until the process ends. The shutdown then aborts the task's signal, and waits for the task. */
  runInBackground(name: string, run: (closing: AbortSignal) => Promise<void>): void {
    const closing = new AbortController();
    const running = run(closing.signal);
    this.shutdownHooks.add(name, async () => {
      closing.abort();
      await running;
    });
  }

  /**
   * Opens the registries file and the shared cache if they are configured. Returns an inspector that uses them.
   * @throws ConfigError that names the variable at fault
   */
  async openInspector(): Promise<Inspector> {
    const { clock, logger, config } = this;
    const metrics = declareInspectionMetrics(this.metrics);
    const registries = await openRegistries(config, { clock, logger, metrics });
    this.runInBackground('registries file', registries.run);
    const settings = readRedis(config);
    const redis = settings === undefined ? undefined : this.#redisSource(settings);
    const identity = new ClusterIdentity({ api: this.api, clock, random: Math.random, logger });
    if (redis !== undefined) this.runInBackground('cluster identity', (closing) => identity.run(closing));
    const inspector = createInspector({
      clock,
      logger,
      registries: registries.source,
      metrics,
      userAgent: `archpolicy/${VERSION}`,
      proxies: readProxies(config),
      clusterId: () => identity.uid,
      ...withoutUndefined({ redis }),
    });
    this.shutdownHooks.add('inspector', () => inspector.close());
    return inspector;
  }

  /** Returns what opens Redis, or a source that provides it as soon as the Secret with the missing part can be read. */
  #redisSource(settings: RedisSettings): RedisOptions | RedisSource {
    if (settings.kind === 'complete') return settings.redis;
    const { api, clock, logger, config } = this;
    return (use) => {
      const secret = { namespace: config.namespace, name: settings.secretName };
      const parts = { api, clock, random: Math.random, logger, onRedis: use };
      const watch = cacheSecretWatch({ ...settings, secret }, parts);
      this.runInBackground('cache secret', (closing) => watch.run(closing));
    };
  }

  /**
   * Serves /metrics, /healthz and /readyz, and the last two a second time on the address of the probes, which network
   * policies close to other callers. The process is ready while all checks pass.
   */
  async startOps(readiness: Readonly<Record<string, Check>>): Promise<void> {
    collectProcessMetrics(this.metrics);
    declareBuildInfo(this.metrics, { version: VERSION, commit: this.config.commit });
    const health = new Health();
    for (const [name, check] of Object.entries(readiness)) health.addReadiness(name, check);
    const { metricsAddress, probesAddress } = this.config;
    const ops = await startOpsServer({ address: metricsAddress, health, registry: this.metrics });
    this.shutdownHooks.add('ops server', () => ops.close());
    if (probesAddress === undefined) return;
    const probes = await startOpsServer({ address: probesAddress, health });
    this.shutdownHooks.add('probes server', () => probes.close());
  }
}
