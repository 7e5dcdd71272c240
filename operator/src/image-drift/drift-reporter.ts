import type { Clock } from '@archpolicy/async';
import type { NodeArchitecture, OwnerReference, PodFacts } from '@archpolicy/core';
import { podKey } from '@archpolicy/cluster-view';
import type { ClusterViewWithPods } from '@archpolicy/cluster-view';
import type { EventInput } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import type { Direction } from './metrics.ts';
import type { ImageDrift, LostArchitecture, TagHistory } from './tag-history.ts';

export interface DriftReporterOptions {
  readonly views: {
    readonly pods: Pick<ClusterViewWithPods['pods'], 'byImage'>;
    readonly nodes: Pick<ClusterViewWithPods['nodes'], 'get'>;
  };
  readonly history: Pick<TagHistory, 'lostArchitectures' | 'drop'>;
  /** Returns the policy that governs the pod of this key. */
  readonly getPolicy: (pod: string) => string | undefined;
  readonly events: { record(event: EventInput): void };
  readonly count: (direction: Direction, architecture: NodeArchitecture) => void;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
}

/** Maximum number of workloads that get an event for one drift. */
const MAX_OWNERS = 100;
/**
 * Minimum interval between two counts of the affected pods. A count is expensive for an image that is in every pod,
 * such as a sidecar. Counting more often would be useless, because policy statuses are not written more often.
 */
const COUNT_EVERY_MS = 5_000;
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

/** Reports drifts by metric, log, events on workloads, and the condition ArchitectureLost. */
export class DriftReporter {
  readonly #options: DriftReporterOptions;
  #counted: { readonly atMs: number; readonly sentences: ReadonlyMap<string, readonly string[]> } | undefined;

  constructor(options: DriftReporterOptions) {
    this.#options = options;
  }

  /** Counts and logs a drift. */
  record(drift: ImageDrift): void {
    this.#counted = undefined;
    const { image, from, to, lost, gained } = drift;
    const { logger, count } = this.#options;
    for (const architecture of lost) count('lost', architecture);
    for (const architecture of gained) count('gained', architecture);
    const fields = { image, from, to, lost, gained };
    if (lost.length > 0) logger.warn(fields, 'image lost architectures');
    else logger.info(fields, 'image gained architectures');
  }

  /**
   * Records events on the workloads that use the image. If the drift was observed with the pull secrets of one
   * namespace, only workloads of that namespace get an event.
   */
  notify(drift: ImageDrift): void {
    const { image, lost, gained, audience } = drift;
    const owners = [...this.#owners(image, audience)].slice(0, MAX_OWNERS);
    if (lost.length > 0) this.#event(owners, 'Warning', 'ArchitectureLost', `no longer supports ${list(lost)}`, drift);
    if (gained.length > 0) this.#event(owners, 'Normal', 'ArchitectureGained', `now supports ${list(gained)}`, drift);
  }

  /**
   * Returns one sentence for each image that no longer supports an architecture on which pods of the policy run. The
   * result is cached for COUNT_EVERY_MS.
   */
  getLosses(policy: string): readonly string[] {
    const now = this.#options.clock.monotonic();
    if (this.#counted === undefined || now - this.#counted.atMs >= COUNT_EVERY_MS) {
      this.#counted = { atMs: now, sentences: this.#sentences() };
    }
    return this.#counted.sentences.get(policy) ?? [];
  }

  #sentences(): ReadonlyMap<string, readonly string[]> {
    const { history } = this.#options;
    const sentences = new Map<string, string[]>();
    for (const loss of history.lostArchitectures()) {
      const stranded = this.#stranded(loss);
      // Drops a loss that affects no running pod. It will affect no new pod either, because the webhook constrains new
      // pods to the supported architectures.
      if (stranded.size === 0) history.drop(loss);
      for (const [policy, pods] of stranded) {
        const ofPolicy = sentences.get(policy) ?? [];
        sentences.set(policy, ofPolicy);
        ofPolicy.push(describeLoss(loss, pods));
      }
    }
    return sentences;
  }

  #stranded({ image, architectures }: LostArchitecture): ReadonlyMap<string, Stranded> {
    const { views, getPolicy } = this.#options;
    const found = new Map<string, Stranded>();
    for (const pod of views.pods.byImage(image)) {
      const node = pod.nodeName === undefined ? undefined : views.nodes.get(pod.nodeName);
      if (node === undefined || ![...architectures].some((lost) => lost === node.architecture)) continue;
      const policy = getPolicy(podKey(pod));
      if (policy === undefined) continue;
      const stranded = found.get(policy) ?? { pods: 0, named: [] };
      found.set(policy, stranded);
      stranded.pods += 1;
      if (stranded.named.length < MAX_PODS) stranded.named.push(podKey(pod));
    }
    return found;
  }

  #owners(image: string, namespace: string | undefined): Iterable<Workload> {
    const owners = new Map<string, Workload>();
    for (const pod of this.#options.views.pods.byImage(image)) {
      if (namespace !== undefined && pod.namespace !== namespace) continue;
      if (this.#options.getPolicy(podKey(pod)) === undefined) continue;
      const workload = getWorkload(pod);
      owners.set(workload.uid, workload);
    }
    return owners.values();
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
