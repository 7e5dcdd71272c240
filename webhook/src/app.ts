import { aborted, withTimeout } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { createClusterView, KeptPullSecrets } from '@archpolicy/cluster-view';
import type { ClusterView } from '@archpolicy/cluster-view';
import { LeaseObserver, SharedLease } from '@archpolicy/kube';
import type { ApiClient } from '@archpolicy/kube';
import { createInspector } from '@archpolicy/registry';
import type { Inspector } from '@archpolicy/registry';
import {
  Closers,
  Health,
  collectProcessMetrics,
  createLogger,
  createRegistry,
  declareInspectionMetrics,
  declarePullSecretMetrics,
  declareReflectorMetrics,
  sharedCacheOf,
  startOpsServer,
} from '@archpolicy/service';
import type { RunContext } from '@archpolicy/service';
import { createAdmission } from './admission.ts';
import { readWebhookConfig } from './config.ts';
import type { WebhookConfig } from './config.ts';
import { connectApi, openRegistries } from './connect.ts';
import { NAME, OPERATOR_LEASE, VERSION, identity } from './identity.ts';
import { declareCertificateMetrics, declareMetrics } from './metrics.ts';
import { ApiJobs } from './mutate/jobs.ts';
import { WebhookServer } from './server/webhook-server.ts';
import type { ReviewHandler } from './server/webhook-server.ts';
import type { Certificate } from './tls/certificate.ts';
import { CertificateWatch } from './tls/certificate-watch.ts';

const MS_PER_SECOND = 1_000;
/** Reviews in flight have at most 1.5 s left when draining ends. */
const CLOSE_SERVER_MS = 2_000;
/** For everything, the above included: with a drain of 1 s the process ends within 5 s. */
const CLOSE_ALL_MS = 3_500;

/** Runs the webhook until the signal aborts, drains, and releases everything. */
export async function runWebhook({ env, signal, clock }: RunContext): Promise<void> {
  const config = readWebhookConfig(env);
  const logger = createLogger({ name: NAME, level: config.logLevel });
  const closers = new Closers({ clock, logger });
  try {
    const api = await connectApi(config, { clock, logger });
    closers.add('API client', () => api.close());
    await new Webhook({ config, clock, logger, closers, api }).serve(signal);
    logger.info({}, 'closing');
  } finally {
    await closers.closeAll(CLOSE_ALL_MS);
  }
}

interface WebhookOptions {
  readonly config: WebhookConfig;
  readonly clock: Clock;
  readonly logger: ReturnType<typeof createLogger>;
  readonly closers: Closers;
  readonly api: ApiClient;
}

/** The process's parts, in the order in which they come up. Each is closed by `closers`, in the reverse order. */
class Webhook {
  readonly #options: WebhookOptions;
  readonly #registry = createRegistry();
  readonly #view: ClusterView;
  readonly #certificates: CertificateWatch;
  readonly #operatorLease: LeaseObserver;
  #server: WebhookServer | undefined;
  #state: 'starting' | 'serving' | 'draining' = 'starting';

  constructor(options: WebhookOptions) {
    const { api, clock, logger, config } = options;
    this.#options = options;
    const observe = declareReflectorMetrics(this.#registry);
    this.#view = createClusterView({ api, clock, random: Math.random, logger, observe });
    this.#certificates = new CertificateWatch({
      directory: config.tlsDirectory,
      clock,
      logger,
      onCertificate: (certificate) => this.#server?.reload(certificate),
      onRead: declareCertificateMetrics(this.#registry),
    });
    this.#operatorLease = new LeaseObserver({
      api,
      lease: { namespace: config.namespace, name: OPERATOR_LEASE },
      clock,
      logger,
      // A dead operator's last word would leave pods behind a gate until the next one comes.
      trustFirstSight: false,
    });
  }

  async serve(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    const startedAt = clock.monotonic();
    const inspector = await this.#startInspector();
    await this.#startOps();
    this.#background('cluster view', (closing) => this.#view.run(closing));
    this.#background('certificate watch', (closing) => this.#certificates.run(closing));
    this.#background('operator lease', (closing) => this.#operatorLease.run(closing));
    const handler = this.#startAdmission(inspector);
    // Before both are there, an answer would be wrong or none: a refused connection costs the API server less.
    const [first] = await Promise.all([this.#certificates.first(signal), this.#synced(signal)]);
    // The first lists may take long: the certificate may have been replaced meanwhile.
    const port = await this.#listen(handler, this.#certificates.current ?? first);
    this.#state = 'serving';
    this.#background('lease', (closing) => this.#lease().run(closing));
    logger.info({ port, startedInMs: Math.round(clock.monotonic() - startedAt) }, 'serving');
    await aborted(signal);
    await this.#drain();
  }

  async #startOps(): Promise<void> {
    const { config, closers } = this.#options;
    collectProcessMetrics(this.#registry);
    const health = new Health();
    health.addReadiness('certificate', () => this.#certificates.check());
    health.addReadiness('reflectors', () =>
      this.#view.hasSynced ? { ok: true } : { ok: false, reason: 'the first lists are not complete' },
    );
    health.addReadiness('server', () =>
      this.#state === 'serving' ? { ok: true } : { ok: false, reason: this.#state },
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
    const shared = redis === undefined ? {} : { redis };
    const inspector = createInspector({
      clock,
      logger,
      registries: registries.source,
      metrics,
      userAgent: `archpolicy/${VERSION}`,
      ...shared,
    });
    closers.add('inspector', () => inspector.close());
    return inspector;
  }

  #startAdmission(inspector: Inspector): ReviewHandler {
    const { api, clock, logger, closers, config } = this.#options;
    const canGate = (): boolean => this.#operatorLease.isFresh();
    const metrics = declareMetrics(this.#registry, {
      inFlight: () => this.#server?.inFlight ?? 0,
      certificateExpiryMs: () => this.#certificates.current?.notAfterMs ?? Number.NaN,
      canGate,
    });
    const { inspectionBudgetMs } = config;
    const onRead = declarePullSecretMetrics(this.#registry);
    const admission = createAdmission({
      view: this.#view,
      inspector,
      jobs: new ApiJobs(api, logger),
      pullSecrets: new KeptPullSecrets({ api, clock, logger, onRead }),
      metrics,
      clock,
      logger,
      inspectionBudgetMs,
      canGate,
    });
    closers.add('admission', () => admission.close());
    return admission.handler;
  }

  async #listen(handler: ReviewHandler, certificate: Certificate): Promise<number> {
    const { clock, config, closers } = this.#options;
    const { webhookAddress: address, inspectionBudgetMs } = config;
    const server = new WebhookServer({ certificate, address, handler, clock, random: Math.random, inspectionBudgetMs });
    this.#server = server;
    const port = await server.listen();
    closers.add('server', (signal) =>
      withTimeout({ clock, ms: CLOSE_SERVER_MS, signal }, (until) => server.close(until)),
    );
    return port;
  }

  /** Any replica that serves renews it; it goes stale when none does. */
  #lease(): SharedLease {
    const { api, clock, logger, config } = this.#options;
    return new SharedLease({
      api,
      lease: { namespace: config.namespace, name: NAME },
      identity: identity(),
      isReady: () => this.#state === 'serving' && this.#view.hasSynced && this.#certificates.check().ok,
      clock,
      random: Math.random,
      logger,
    });
  }

  async #synced(signal: AbortSignal): Promise<void> {
    try {
      await this.#view.synced(signal);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  }

  /** Unready at once; serves on while endpoints and load balancers learn of it. */
  async #drain(): Promise<void> {
    const { clock, config, logger } = this.#options;
    this.#state = 'draining';
    this.#server?.drain();
    logger.info({ seconds: config.drainSeconds }, 'draining');
    await clock.sleep(config.drainSeconds * MS_PER_SECOND);
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
