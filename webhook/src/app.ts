import { aborted, withTimeout } from '@archpolicy/async';
import { createClusterView, CachedPullSecrets } from '@archpolicy/cluster-view';
import type { ClusterView } from '@archpolicy/cluster-view';
import { DeploymentOwner, LeaseObserver, SharedLease } from '@archpolicy/kube';
import { OPERATOR, runProcess, WEBHOOK } from '@archpolicy/process';
import type { ManagedProcess } from '@archpolicy/process';
import type { Inspector } from '@archpolicy/registry';
import { declareLeaseMetrics, declarePullSecretMetrics, declareReflectorMetrics } from '@archpolicy/service';
import type { CheckResult, RunContext } from '@archpolicy/service';
import { createAdmission } from './admission.ts';
import { readWebhookConfig } from './config.ts';
import type { WebhookConfig } from './config.ts';
import { declareConnectionMetrics, declareMetrics } from './metrics.ts';
import { ApiJobReader } from './mutate/job-reader.ts';
import { ServerTls } from './server-tls.ts';
import type { ServerTlsOptions } from './server-tls.ts';
import { WebhookServer } from './server/webhook-server.ts';
import type { ReviewHandler } from './server/webhook-server.ts';

const MS_PER_SECOND = 1_000;
/**
 * Maximum duration of the server's shutdown. It is long enough, because a review in flight has at most 1.5 s left when
 * the drain ends.
 */
const CLOSE_SERVER_MS = 2_000;
/**
 * Maximum duration of the whole shutdown, including CLOSE_SERVER_MS. With a drain of 1 s, the process then exits within
 * 5 s.
 */
const CLOSE_ALL_MS = 3_500;

/** Runs the webhook until the signal aborts, then drains and releases all resources. */
export async function runWebhook(context: RunContext): Promise<void> {
  const config = readWebhookConfig(context.env);
  await runProcess(context, { name: WEBHOOK, config, closeWithinMs: CLOSE_ALL_MS }, (process) =>
    new Webhook(process).serve(context.signal),
  );
}

/** Starts the parts of the process in order, serves, and drains. */
class Webhook {
  readonly #process: ManagedProcess<WebhookConfig>;
  readonly #view: ClusterView;
  readonly #tls: ServerTls;
  readonly #operatorLease: LeaseObserver;
  readonly #owner: DeploymentOwner;
  readonly #ownLease: SharedLease;
  #server: WebhookServer | undefined;
  #state: 'starting' | 'serving' | 'draining' = 'starting';

  constructor(process: ManagedProcess<WebhookConfig>) {
    const { api, clock, logger, config, metrics } = process;
    this.#process = process;
    const observe = declareReflectorMetrics(metrics, clock);
    this.#view = createClusterView({ api, clock, random: Math.random, logger, observe });
    this.#tls = new ServerTls({
      config,
      api,
      clock,
      random: Math.random,
      logger,
      metrics,
      onChange: (changed) => this.#server?.reload(changed),
    });
    this.#operatorLease = new LeaseObserver({
      api,
      lease: { namespace: config.namespace, name: OPERATOR },
      clock,
      logger,
      // A Lease that exists at the start may belong to an operator that has crashed. Pods that are gated then would
      // wait until another operator starts. So only renewals that this process observes count.
      trustFirstRead: false,
    });
    const deployment = { namespace: config.namespace, name: WEBHOOK };
    this.#owner = new DeploymentOwner({ api, clock, logger, deployment });
    this.#ownLease = this.#shareLease();
    declareLeaseMetrics(metrics, { operator: () => this.#operatorLease.state, webhook: () => this.#ownLease.state });
  }

  async serve(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#process;
    const startedAt = clock.monotonic();
    const inspector = await this.#process.openInspector();
    await this.#startOps();
    this.#process.runInBackground('cluster view', (closing) => this.#view.run(closing));
    this.#process.runInBackground('certificate watch', (closing) => this.#tls.run(closing));
    this.#process.runInBackground('operator lease', (closing) => this.#operatorLease.run(closing));
    const handler = this.#startAdmission(inspector);
    // Starts to listen only when a certificate is loaded and the views have synced, because a refused connection costs
    // the API server less than a wrong or missing response.
    const [getTls] = await Promise.all([this.#tls.waitForFirst(signal), this.#synced(signal)]);
    const port = await this.#listen(handler, getTls());
    this.#state = 'serving';
    await this.#owner.refresh(signal);
    this.#process.runInBackground('owner', (closing) => this.#owner.run(closing));
    this.#process.runInBackground('lease', (closing) => this.#ownLease.run(closing));
    logger.info({ port, startedInMs: Math.round(clock.monotonic() - startedAt) }, 'serving');
    await aborted(signal);
    await this.#drain();
  }

  #startOps(): Promise<void> {
    return this.#process.startOps({
      ...this.#tls.checks,
      reflectors: () =>
        this.#view.hasSynced ? { ok: true } : { ok: false, reason: 'the initial LISTs are not complete' },
      server: () => this.#checkServer(),
    });
  }

  #checkServer(): CheckResult {
    if (this.#state !== 'serving' || this.#server === undefined) return { ok: false, reason: this.#state };
    return this.#server.check();
  }

  #startAdmission(inspector: Inspector): ReviewHandler {
    const { api, clock, logger, shutdownHooks, config } = this.#process;
    const canGate = (): boolean => this.#operatorLease.isFresh();
    const metrics = declareMetrics(this.#process.metrics, {
      inFlight: () => this.#server?.inFlight ?? 0,
      certificateExpiryMs: () => this.#tls.certificateExpiryMs,
      canGate,
    });
    const { inspectionBudgetMs } = config;
    const onRead = declarePullSecretMetrics(this.#process.metrics);
    const admission = createAdmission({
      view: this.#view,
      inspector,
      jobs: new ApiJobReader(api, logger),
      pullSecrets: new CachedPullSecrets({ api, clock, logger, onRead }),
      metrics,
      clock,
      logger,
      inspectionBudgetMs,
      canGate,
    });
    shutdownHooks.add('admission', () => admission.close());
    return admission.handler;
  }

  async #listen(handler: ReviewHandler, tls: ServerTlsOptions): Promise<number> {
    const { clock, config, shutdownHooks } = this.#process;
    const { webhookAddress: address, inspectionBudgetMs } = config;
    const server = new WebhookServer({
      ...tls,
      address,
      handler,
      clock,
      random: Math.random,
      inspectionBudgetMs,
      onConnectionClosed: declareConnectionMetrics(this.#process.metrics),
    });
    this.#server = server;
    const port = await server.listen();
    shutdownHooks.add('server', (signal) =>
      withTimeout({ clock, ms: CLOSE_SERVER_MS, signal }, (until) => server.close(until)),
    );
    return port;
  }

  /** Returns the webhook's Lease, which all serving replicas renew. It expires when no replica serves. */
  #shareLease(): SharedLease {
    const { api, clock, logger, config } = this.#process;
    return new SharedLease({
      api,
      lease: { namespace: config.namespace, name: WEBHOOK },
      owner: () => this.#owner.reference,
      identity: this.#process.instance,
      isReady: () => this.#checkServer().ok && this.#view.hasSynced && this.#tls.isReady,
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

  /**
   * Reports at once that this replica is not ready. Continues to serve until endpoints and load balancers have removed
   * the replica.
   */
  async #drain(): Promise<void> {
    const { clock, config, logger } = this.#process;
    this.#state = 'draining';
    this.#server?.drain();
    logger.info({ seconds: config.drainSeconds }, 'draining');
    await clock.sleep(config.drainSeconds * MS_PER_SECOND);
  }
}
