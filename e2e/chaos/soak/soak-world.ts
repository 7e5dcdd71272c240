import { FaultProxy, RedisNode } from '@archpolicy/testkit';
import { waitFor } from '@archpolicy/e2e';
import type { SeenEviction } from '../../support/api-proxy.ts';
import type { OperatorProcess } from '../../support/operator-process.ts';
import type { ScenarioContext } from '../framework/scenario.ts';
import { AdmissionGround } from '../parts/admission/ground.ts';
import type { Service } from '../parts/admission/service.ts';
import type { WebhookReplica } from '../parts/admission/webhook-replica.ts';

export const NAMESPACE = 'soak';
const OPERATORS = 2;
const API_SERVER = 'kube-apiserver';
const TIMEOUT_MS = 120_000;

/**
 * A whole installation: a cluster, two webhooks behind a Service, two operators, a registry and a Redis behind TCP proxies.
 * One of the webhooks is never ended, so that its memory can be observed.
 */
export class SoakWorld {
  readonly ground: AdmissionGround;
  readonly registry: FaultProxy;
  readonly redis: RedisNode;
  readonly redisProxy: FaultProxy;
  readonly service: Service;
  readonly steady: WebhookReplica;
  /** The webhook that faults end. */
  spare: WebhookReplica;
  readonly #allOperators: OperatorProcess[] = [];
  isApiServerDown = false;

  private constructor(ground: AdmissionGround, parts: Parts) {
    this.ground = ground;
    this.registry = parts.registry;
    this.redis = parts.redis;
    this.redisProxy = parts.redisProxy;
    this.service = parts.service;
    this.steady = parts.steady;
    this.spare = parts.spare;
  }

  static async start(context: ScenarioContext): Promise<SoakWorld> {
    const ground = await AdmissionGround.open(context, NAMESPACE, { gateTimeout: '30s' });
    const { port } = new URL(`http://${ground.cluster.get('REGISTRY')}`);
    const redis = await new RedisNode().start();
    context.cleanUp(() => redis.stop());
    const [registry, redisProxy] = await Promise.all([
      new FaultProxy(Number(port)).start(),
      new FaultProxy(redis.port).start(),
    ]);
    for (const proxy of [registry, redisProxy]) context.cleanUp(() => proxy.stop());
    const launch = (): Promise<WebhookReplica> => ground.launch({ redisUrl: urlOf(redisProxy) });
    const [steady, spare] = await Promise.all([launch(), launch()]);
    await Promise.all([steady.untilReady(), spare.untilReady()]);
    const service = await ground.serve([steady, spare]);
    const world = new SoakWorld(ground, { registry, redis, redisProxy, service, steady, spare });
    context.cleanUp(() => world.#stopOperators());
    await ground.chaos.deleteLease();
    for (let count = 0; count < OPERATORS; count += 1) await world.startOperator();
    await waitFor(async () => (await world.leader()) !== undefined, {
      timeoutMs: TIMEOUT_MS,
      what: 'an operator to lead',
    });
    await steady.untilItMayGate();
    return world;
  }

  /** The operators that run. */
  get operators(): readonly OperatorProcess[] {
    return this.#allOperators.filter(({ hasEnded }) => !hasEnded);
  }

  /** The evictions that the API server accepted, of all operators that have run. */
  get evictions(): readonly SeenEviction[] {
    return this.#allOperators.flatMap(({ proxy }) => proxy.evictions).filter(({ status }) => status === 201);
  }

  async startOperator(): Promise<void> {
    const env = {
      ARCHPOLICY_REDIS_URL: urlOf(this.redisProxy),
      ARCHPOLICY_CACHE_KEY: 'the cache key of the chaos scenarios',
    };
    this.#allOperators.push(await this.ground.chaos.startOperator('soak', { network: true, env }));
  }

  /** Starts operators until there are two again, as a Deployment does. */
  async replaceOperators(): Promise<void> {
    while (this.operators.length < OPERATORS) await this.startOperator();
  }

  /** Returns the operator that leads now. */
  async leader(): Promise<OperatorProcess | undefined> {
    for (const operator of this.operators) {
      const metrics = await operator.metrics().catch(() => undefined);
      if (metrics?.value('archpolicy_leader') === 1) return operator;
    }
    return undefined;
  }

  /** Starts a webhook in place of the spare one, which has ended or is ending. */
  async replaceSpare(): Promise<void> {
    const former = this.spare;
    this.spare = await this.ground.launch({ redisUrl: urlOf(this.redisProxy) });
    this.service.add(this.spare);
    await former.exited;
    this.service.remove(former);
  }

  /** Kills the API server, and starts it again. */
  async restartApiServer(): Promise<void> {
    const { cluster } = this.ground;
    const { components } = await cluster.status();
    const pid = components.find(({ name }) => name === API_SERVER)?.pid;
    if (pid === undefined) throw new Error('the API server does not run');
    this.isApiServerDown = true;
    try {
      process.kill(pid, 'SIGKILL');
      await cluster.up('control-plane');
    } finally {
      this.isApiServerDown = false;
    }
  }

  async #stopOperators(): Promise<void> {
    await Promise.all(this.#allOperators.map((operator) => operator.stop()));
  }
}

interface Parts {
  readonly registry: FaultProxy;
  readonly redis: RedisNode;
  readonly redisProxy: FaultProxy;
  readonly service: Service;
  readonly steady: WebhookReplica;
  readonly spare: WebhookReplica;
}

function urlOf({ port }: FaultProxy): string {
  return `redis://127.0.0.1:${port}`;
}
