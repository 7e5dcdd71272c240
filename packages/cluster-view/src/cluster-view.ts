import { isDeepStrictEqual } from 'node:util';
import type { Clock, Random } from '@archpolicy/async';
import {
  API_GROUP,
  API_VERSION,
  ARCHPOLICY_PLURAL,
  parseCronJob,
  parseNamespace,
  parseNode,
  parsePod,
  internPod,
  Interner,
} from '@archpolicy/core';
import type { CronJobFacts, JsonObject, NamespaceFacts, NodeFacts, PodFacts } from '@archpolicy/core';
import { NAMESPACES, NODES, PODS, Reflector, resourcePath, Store } from '@archpolicy/kube';
import type { Api, ReflectorObserver, Resource, StoreOptions } from '@archpolicy/kube';
import type { Logger } from 'pino';
import { cronJobView } from './cron-job-view.ts';
import type { CronJobView } from './cron-job-view.ts';
import { StoredNamespaces } from './namespace-view.ts';
import type { NamespaceView } from './namespace-view.ts';
import { StoredNodes } from './node-view.ts';
import type { NodeView } from './node-view.ts';
import { POD_INDEXES, StoredPods } from './pod-view.ts';
import type { PodView } from './pod-view.ts';
import { parsePolicyEntry, policyEntryUid, StoredPolicies } from './policy-view.ts';
import type { PolicyEntry, PolicyView } from './policy-view.ts';

const CRON_JOBS: Resource = { group: 'batch', version: 'v1', resource: 'cronjobs' };
export const ARCHPOLICIES: Resource = { group: API_GROUP, version: API_VERSION, resource: ARCHPOLICY_PLURAL };

/** Maximum number of values that pods share: about eight for each of 5,000 workloads, with a reserve for churn. */
const MAX_INTERNED_VALUES = 50_000;

/** The name of a watched resource. The names are a closed set, so that they can be values of a metric label. */
export type ViewedResource = 'archpolicies' | 'namespaces' | 'nodes' | 'pods' | 'cronjobs';

/** What is in memory of a watched resource, read at each access. */
export interface WatchedState {
  /** Number of objects. */
  readonly objects: number;
  /** The time (monotonic milliseconds) of the last event, bookmark or LIST; undefined before the first LIST. */
  readonly updatedAtMs: number | undefined;
}

export interface ClusterViewOptions {
  readonly api: Api;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Pick<Logger, 'debug' | 'warn' | 'error'>;
  /** Returns the observer of a resource's reflector, for metrics. */
  readonly observe?: (resource: ViewedResource, state: WatchedState) => ReflectorObserver;
}

export interface PodViewOptions extends ClusterViewOptions {
  /** Called with each raw pod, before the pod is parsed and listeners are notified. Must not retain many raw pods. */
  readonly onPod?: (raw: JsonObject) => void;
}

/** The view of the cluster that both processes share. */
export interface ClusterView {
  readonly policies: PolicyView;
  readonly namespaces: NamespaceView;
  readonly nodes: NodeView;
  /** Whether each resource has been listed at least once. */
  readonly hasSynced: boolean;
  /**
   * The time (monotonic milliseconds) of the last update of the resource whose last update is the oldest; undefined
   * until each resource has been listed. The API server sends a bookmark about every minute, so a resource without
   * changes is updated, too.
   */
  readonly updatedAtMs: number | undefined;
  /** Resolves once `hasSynced`. Throws KubeError `Aborted` if the signal is aborted first. */
  synced(signal: AbortSignal): Promise<void>;
  /** Updates the view until the signal is aborted. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

/** The operator's view: with pods. */
export interface ClusterViewWithPods extends ClusterView {
  readonly pods: PodView;
}

/** Creates the webhook's view: policies, namespaces and nodes. Sends no request before `run`. */
export function createClusterView(options: ClusterViewOptions): ClusterView {
  const { view, reflectors } = createBaseView(options);
  return withReflectors(view, reflectors);
}

/** Creates the operator's view, which has pods in addition. Sends no request before `run`. */
export function createClusterViewWithPods(options: PodViewOptions): ClusterViewWithPods {
  const { view, reflectors } = createBaseView(options);
  const interner = new Interner(MAX_INTERNED_VALUES);
  const parse = (raw: JsonObject): PodFacts | undefined => {
    options.onPod?.(raw);
    const pod = parsePod(raw);
    return pod === undefined ? undefined : internPod(pod, interner.intern);
  };
  const pods = createReflector<PodFacts>(options, 'pods', PODS, parse, {
    indexes: POD_INDEXES,
    uid: ({ uid }) => uid,
    // After a relist, listeners are not notified of unchanged pods.
    isUnchanged: (a, b) => a.resourceVersion === b.resourceVersion,
  });
  return withReflectors({ ...view, pods: new StoredPods(pods.store) }, [...reflectors, pods.reflector]);
}

/** Creates the view of CronJobs. Sends no request before `run`. */
export function createCronJobView(options: ClusterViewOptions): CronJobView {
  const { store, reflector } = createReflector<CronJobFacts>(options, 'cronjobs', CRON_JOBS, parseCronJob, {
    uid: ({ uid }) => uid,
    isUnchanged: isDeepStrictEqual,
  });
  return cronJobView(store, reflector);
}

type RunnableReflector = Pick<Reflector<unknown>, 'run' | 'synced' | 'hasSynced' | 'updatedAtMs'>;

function createBaseView(options: ClusterViewOptions): {
  readonly view: Pick<ClusterView, 'policies' | 'namespaces' | 'nodes'>;
  readonly reflectors: readonly RunnableReflector[];
} {
  // Without its CRD the cluster has no policy: the process must become ready, and must not evict by policies that are gone.
  const policies = createReflector<PolicyEntry>(
    { ...options, absentIsEmpty: true },
    'archpolicies',
    ARCHPOLICIES,
    parsePolicyEntry,
    { uid: policyEntryUid, isUnchanged: isDeepStrictEqual },
  );
  const namespaces = createReflector<NamespaceFacts>(options, 'namespaces', NAMESPACES, parseNamespace, {
    isUnchanged: isDeepStrictEqual,
  });
  const nodes = createReflector<NodeFacts>(options, 'nodes', NODES, parseNode, {
    uid: ({ uid }) => uid,
    isUnchanged: isDeepStrictEqual,
  });
  policies.store.subscribe(({ type, object }) => {
    if (type === 'deleted' || object.kind === 'ok') return;
    const { name, problems } = object.failure;
    options.logger.warn({ policy: name, problems }, 'invalid ArchPolicy, ignored');
  });
  return {
    view: {
      policies: new StoredPolicies(policies.store),
      namespaces: new StoredNamespaces(namespaces.store, options.api, options.logger),
      nodes: new StoredNodes(nodes.store),
    },
    reflectors: [policies.reflector, namespaces.reflector, nodes.reflector],
  };
}

function createReflector<T>(
  options: ClusterViewOptions & { readonly absentIsEmpty?: boolean },
  name: ViewedResource,
  resource: Resource,
  parse: (raw: JsonObject) => T | undefined,
  storeOptions: StoreOptions<T>,
): { readonly store: Store<T>; readonly reflector: Reflector<T> } {
  const { api, clock, random, logger, observe, absentIsEmpty = false } = options;
  const store = new Store<T>({
    ...storeOptions,
    onListenerError: (err) => {
      logger.error({ err, resource: name }, 'cluster view listener failed');
    },
  });
  const path = resourcePath(resource);
  const observer: ReflectorObserver | undefined = observe?.(name, {
    get objects() {
      return store.size;
    },
    get updatedAtMs(): number | undefined {
      return reflector.updatedAtMs;
    },
  });
  const observed = observer === undefined ? {} : { observer };
  const reflector = new Reflector<T>({
    ...{ api, path, parse, store, absentIsEmpty, clock, random, logger },
    ...observed,
  });
  return { store, reflector };
}

function withReflectors<V extends object>(
  view: V,
  reflectors: readonly RunnableReflector[],
): V & Pick<ClusterView, 'hasSynced' | 'updatedAtMs' | 'synced' | 'run'> {
  return {
    ...view,
    get hasSynced() {
      return reflectors.every(({ hasSynced }) => hasSynced);
    },
    get updatedAtMs() {
      const times = reflectors.map(({ updatedAtMs }) => updatedAtMs).filter((time) => time !== undefined);
      return times.length < reflectors.length ? undefined : Math.min(...times);
    },
    async synced(signal) {
      await Promise.all(reflectors.map((reflector) => reflector.synced(signal)));
    },
    async run(signal) {
      await Promise.all(reflectors.map((reflector) => reflector.run(signal)));
    },
  };
}
