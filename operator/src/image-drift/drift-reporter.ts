import { isDeepStrictEqual } from 'node:util';
import { PeriodicYield } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import type { NodeArchitecture, OwnerReference, PodFacts } from '@archpolicy/core';
import type { ClusterViewWithPods } from '@archpolicy/cluster-view';
import { runWorkers, WorkQueue } from '@archpolicy/kube';
import type { EventInput } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import { Listeners } from '../listeners.ts';
import type { Direction } from './metrics.ts';
import type { ImageDrift, LostArchitecture, TagHistory } from './tag-history.ts';

export interface DriftReporterOptions {
  readonly views: {
    readonly pods: Pick<ClusterViewWithPods['pods'], 'keysByImage' | 'byKey'>;
    readonly nodes: Pick<ClusterViewWithPods['nodes'], 'get'>;
  };
  readonly history: Pick<TagHistory, 'lostArchitectures' | 'drop'>;
  /** Returns the policy that governs the pod of this key. */
  readonly getPolicy: (pod: string) => string | undefined;
  readonly events: { record(event: EventInput): void };
  readonly count: (direction: Direction, architecture: NodeArchitecture) => void;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
}

/** Maximum number of workloads that get an event for one drift. */
const MAX_OWNERS = 100;
/**
 * Minimum interval between two counts of the affected pods. A count is expensive for an image that is in every pod,
 * such as a sidecar. Counting more often would be useless, because policy statuses are not written more often.
 */
const COUNT_EVERY_MS = 5_000;
/** Number of pods that are read between two yields to the event loop. A pod takes about 1 µs. */
const PODS_PER_YIELD = 2_000;
/** The key of the count of affected pods in the work queue. All other keys contain a space. */
const LOSSES = 'losses';
/** Maximum number of pods named in one sentence. */
const MAX_PODS = 3;
/** Maximum length of an image reference in a sentence. Longer references are truncated. */
const MAX_IMAGE_LENGTH = 200;
/** Length of a truncated digest. */
const DIGEST_LENGTH = 'sha256:'.length + 12;

/** The pods of one policy that run on nodes whose architecture an image no longer supports. */
interface Stranded {
  pods: number;
  /** Keys of the pods that the sentence names. */
  readonly named: string[];
}

/**
 * Reports drifts by metric, log, events on workloads, and the condition ArchitectureLost. An image can be in all pods of
 * the cluster, so they are read in the background, with yields to the event loop.
 */
export class DriftReporter {
  readonly #options: DriftReporterOptions;
  readonly #lossChanges = new Listeners<undefined>();
  readonly #yields = new PeriodicYield(PODS_PER_YIELD);
  readonly #work: WorkQueue<string>;
  /** The drifts whose events are not recorded yet, by their keys in the work queue. */
  readonly #drifts = new Map<string, ImageDrift>();
  #sentences: ReadonlyMap<string, readonly string[]> = new Map();
  #countedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: DriftReporterOptions) {
    this.#options = options;
    this.#work = new WorkQueue(options);
  }

  /** Calls the listener when `getLosses` returns other sentences than before. Returns an unsubscribe function. */
  subscribe(listener: (value: undefined) => void): () => void {
    return this.#lossChanges.subscribe(listener);
  }

  /** Counts affected pods and records events until the signal is aborted. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { logger } = this.#options;
    const work = async (key: string): Promise<object> => {
      await (key === LOSSES ? this.#count(signal) : this.#recordEvents(key, signal));
      return {};
    };
    await runWorkers(this.#work, 1, work, signal, {
      failed: (key, err) => {
        logger.warn({ err, drift: key }, 'failed to report a drift, retrying');
      },
    });
    this.#work.stop();
  }

  /** Counts and logs a drift. */
  record(drift: ImageDrift): void {
    this.#work.add(LOSSES);
    const { image, from, to, lost, gained } = drift;
    const { logger, count } = this.#options;
    for (const architecture of lost) count('lost', architecture);
    for (const architecture of gained) count('gained', architecture);
    const fields = { image, from, to, lost, gained };
    if (lost.length > 0) logger.warn(fields, 'image lost architectures');
    else logger.info(fields, 'image gained architectures');
  }

  /**
   * Requests events on the workloads that use the image. If the drift was observed with the pull secrets of one
   * namespace, only workloads of that namespace get an event.
   */
  notify(drift: ImageDrift): void {
    const { image, from, to, audience = '' } = drift;
    const key = `${audience} ${image} ${from} ${to}`;
    this.#drifts.set(key, drift);
    this.#work.add(key);
  }

  async #recordEvents(key: string, signal: AbortSignal): Promise<void> {
    const drift = this.#drifts.get(key);
    if (drift === undefined) return;
    const { image, lost, gained, audience } = drift;
    const owners = await this.#owners(image, audience, signal);
    this.#drifts.delete(key);
    if (lost.length > 0) this.#event(owners, 'Warning', 'ArchitectureLost', `no longer supports ${list(lost)}`, drift);
    if (gained.length > 0) this.#event(owners, 'Normal', 'ArchitectureGained', `now supports ${list(gained)}`, drift);
  }

  /**
   * Returns one sentence for each image that no longer supports an architecture on which pods of the policy run, as of
   * the last count. If the count is older than COUNT_EVERY_MS, requests another one, after which listeners are notified.
   */
  getLosses(policy: string): readonly string[] {
    const { history, clock } = this.#options;
    const isOld = clock.monotonic() - this.#countedAtMs >= COUNT_EVERY_MS;
    if (isOld && (this.#sentences.size > 0 || history.lostArchitectures().length > 0)) this.#work.add(LOSSES);
    return this.#sentences.get(policy) ?? [];
  }

  async #count(signal: AbortSignal): Promise<void> {
    const { history, clock } = this.#options;
    const sentences = new Map<string, string[]>();
    for (const loss of history.lostArchitectures()) {
      const stranded = await this.#stranded(loss, signal);
      if (signal.aborted) return;
      // Drops a loss that affects no running pod. It will affect no new pod either, because the webhook constrains new
      // pods to the supported architectures.
      if (stranded.size === 0) history.drop(loss);
      for (const [policy, pods] of stranded) {
        const ofPolicy = sentences.get(policy) ?? [];
        sentences.set(policy, ofPolicy);
        ofPolicy.push(describeLoss(loss, pods));
      }
    }
    this.#countedAtMs = clock.monotonic();
    const isChanged = !isDeepStrictEqual(sentences, this.#sentences);
    this.#sentences = sentences;
    if (isChanged) this.#lossChanges.notify(undefined);
  }

  async #stranded(
    { image, architectures }: LostArchitecture,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Stranded>> {
    const { views, getPolicy } = this.#options;
    const found = new Map<string, Stranded>();
    for await (const { key, pod } of this.#podsOf(image, signal)) {
      const node = pod.nodeName === undefined ? undefined : views.nodes.get(pod.nodeName);
      if (node === undefined || ![...architectures].some((lost) => lost === node.architecture)) continue;
      const policy = getPolicy(key);
      if (policy === undefined) continue;
      const stranded = found.get(policy) ?? { pods: 0, named: [] };
      found.set(policy, stranded);
      stranded.pods += 1;
      if (stranded.named.length < MAX_PODS) stranded.named.push(key);
    }
    return found;
  }

  /** Yields to the event loop after every PODS_PER_YIELD pods. Ends when the signal is aborted. */
  async *#podsOf(image: string, signal: AbortSignal): AsyncGenerator<{ readonly key: string; readonly pod: PodFacts }> {
    const { pods } = this.#options.views;
    for (const key of pods.keysByImage(image)) {
      const due = this.#yields.count();
      if (due !== undefined) await due;
      if (signal.aborted) return;
      const pod = pods.byKey(key);
      if (pod !== undefined) yield { key, pod };
    }
  }

  /** Returns at most MAX_OWNERS workloads, and reads no more pods than needed to find them. */
  async #owners(image: string, namespace: string | undefined, signal: AbortSignal): Promise<readonly Workload[]> {
    const owners = new Map<string, Workload>();
    for await (const { key, pod } of this.#podsOf(image, signal)) {
      if (owners.size >= MAX_OWNERS) break;
      if (namespace !== undefined && pod.namespace !== namespace) continue;
      if (this.#options.getPolicy(key) === undefined) continue;
      const workload = getWorkload(pod);
      owners.set(workload.uid, workload);
    }
    return [...owners.values()];
  }

  #event(
    owners: readonly Workload[],
    type: EventInput['type'],
    reason: 'ArchitectureLost' | 'ArchitectureGained',
    what: string,
    { image, from, to }: ImageDrift,
  ): void {
    const note = `Image ${shortImage(image)} ${what}: its content changed from ${shortDigest(from)} to ${shortDigest(to)}.`;
    for (const regarding of owners) this.#options.events.record({ regarding, type, reason, action: 'Inspect', note });
  }
}

type Workload = EventInput['regarding'] & OwnerReference;

/** Returns the pod's controller, or the pod itself if it has no controller. */
function getWorkload({ namespace, name, uid, owner }: PodFacts): Workload {
  return { apiVersion: 'v1', kind: 'Pod', name, uid, ...owner, namespace };
}

function describeLoss({ image, architectures, from, to }: LostArchitecture, { pods, named }: Stranded): string {
  const which = list([...architectures].sort());
  const more = pods > named.length ? `, such as ${named.join(', ')}` : `: ${named.join(', ')}`;
  const counted = pods === 1 ? '1 pod runs' : `${pods} pods run`;
  return (
    `Image ${shortImage(image)} lost ${which} when its content changed from ${shortDigest(from)} to ${shortDigest(to)}; ` +
    `${counted} on such nodes${more}.`
  );
}

function list(architectures: readonly string[]): string {
  return architectures.join(' and ');
}

function shortDigest(digest: string): string {
  return digest.slice(0, DIGEST_LENGTH);
}

function shortImage(image: string): string {
  return image.length > MAX_IMAGE_LENGTH ? `${image.slice(0, MAX_IMAGE_LENGTH)}…` : image;
}
