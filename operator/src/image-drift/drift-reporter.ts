import type { NodeArchitecture, OwnerReference, PodFacts } from '@archpolicy/core';
import { podKey } from '@archpolicy/cluster-view';
import type { ClusterViewWithPods } from '@archpolicy/cluster-view';
import type { Clock, EventInput } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import type { ChangedContent, Contents, Loss } from './tag-history.ts';

/** Which way an image's architectures changed: a closed set, fit for a metric label. */
export const DIRECTIONS = ['lost', 'gained'] as const;
export type Direction = (typeof DIRECTIONS)[number];

export interface ChangeReportsOptions {
  readonly views: {
    readonly pods: Pick<ClusterViewWithPods['pods'], 'byImage'>;
    readonly nodes: Pick<ClusterViewWithPods['nodes'], 'get'>;
  };
  readonly contents: Pick<Contents, 'losses' | 'drop'>;
  /** The policy that governs the pod of this key. */
  readonly policyOf: (pod: string) => string | undefined;
  readonly events: { record(event: EventInput): void };
  readonly onChange: (direction: Direction, architecture: NodeArchitecture) => void;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
}

/** Workloads told of one change; an image that more of them use is known to everybody. */
const MAX_OWNERS = 100;
/** A sidecar's image is in every pod: they are counted again when a status may be written again. */
const COUNT_EVERY_MS = 5_000;
/** Pods named in a sentence. */
const MAX_PODS = 3;
/** References may be long; a sentence about one should not be. */
const MAX_IMAGE_LENGTH = 200;
/** As much of a digest as people compare. */
const DIGEST_LENGTH = 'sha256:'.length + 12;

/** Pods of one policy on nodes that an image does not support any more. */
interface Stranded {
  pods: number;
  /** Keys of the first ones by name. */
  readonly named: string[];
}

/** Tells people that the content behind a tag runs elsewhere than before. */
export class ChangeReports {
  readonly #options: ChangeReportsOptions;
  #counted: { readonly atMs: number; readonly sentences: ReadonlyMap<string, readonly string[]> } | undefined;

  constructor(options: ChangeReportsOptions) {
    this.#options = options;
  }

  /** A change, whoever was shown it: counted and logged. */
  changed(change: ChangedContent): void {
    this.#counted = undefined;
    const { image, from, to, lost, gained } = change;
    const { logger, onChange } = this.#options;
    for (const architecture of lost) onChange('lost', architecture);
    for (const architecture of gained) onChange('gained', architecture);
    const fields = { image, from, to, lost, gained };
    if (lost.length > 0) logger.warn(fields, 'an image lost architectures');
    else logger.info(fields, 'an image gained architectures');
  }

  /** Tells a change to the workloads that use the image: those of the namespace that was shown it, or all. */
  tell(change: ChangedContent): void {
    const { image, lost, gained, audience } = change;
    const owners = [...this.#owners(image, audience)].slice(0, MAX_OWNERS);
    if (lost.length > 0)
      this.#tell(owners, 'Warning', 'ArchitectureLost', `does not support ${list(lost)} any more`, change);
    if (gained.length > 0) this.#tell(owners, 'Normal', 'ArchitectureGained', `supports ${list(gained)} now`, change);
  }

  /** What pods of the policy lost where they run, in sentences; at most a few seconds old. */
  lossesOf(policy: string): readonly string[] {
    const now = this.#options.clock.monotonic();
    if (this.#counted === undefined || now - this.#counted.atMs >= COUNT_EVERY_MS) {
      this.#counted = { atMs: now, sentences: this.#sentences() };
    }
    return this.#counted.sentences.get(policy) ?? [];
  }

  #sentences(): ReadonlyMap<string, readonly string[]> {
    const { contents } = this.#options;
    const sentences = new Map<string, string[]>();
    for (const loss of contents.losses()) {
      const stranded = this.#stranded(loss);
      // Nobody runs there any more, and the webhook sends nobody: it is over.
      if (stranded.size === 0) contents.drop(loss);
      for (const [policy, pods] of stranded) {
        const told = sentences.get(policy) ?? [];
        sentences.set(policy, told);
        told.push(sentenceOf(loss, pods));
      }
    }
    return sentences;
  }

  #stranded({ image, architectures }: Loss): ReadonlyMap<string, Stranded> {
    const { views, policyOf } = this.#options;
    const found = new Map<string, Stranded>();
    for (const pod of views.pods.byImage(image)) {
      const node = pod.nodeName === undefined ? undefined : views.nodes.get(pod.nodeName);
      if (node === undefined || ![...architectures].some((lost) => lost === node.architecture)) continue;
      const policy = policyOf(podKey(pod));
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
      if (this.#options.policyOf(podKey(pod)) === undefined) continue;
      const workload = workloadOf(pod);
      owners.set(workload.uid, workload);
    }
    return owners.values();
  }

  #tell(
    owners: readonly Workload[],
    type: EventInput['type'],
    reason: 'ArchitectureLost' | 'ArchitectureGained',
    what: string,
    { image, from, to }: ChangedContent,
  ): void {
    const note = `Image ${shortImage(image)} ${what}: its content changed from ${shortDigest(from)} to ${shortDigest(to)}.`;
    for (const regarding of owners) this.#options.events.record({ regarding, type, reason, action: 'Inspect', note });
  }
}

type Workload = EventInput['regarding'] & OwnerReference;

/** Its controller; the pod itself when it has none. */
function workloadOf({ namespace, name, uid, owner }: PodFacts): Workload {
  return { apiVersion: 'v1', kind: 'Pod', name, uid, ...owner, namespace };
}

function sentenceOf({ image, architectures, from, to }: Loss, { pods, named }: Stranded): string {
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
