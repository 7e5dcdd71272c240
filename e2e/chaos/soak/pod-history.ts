import type { SeenEviction } from '../../support/api-proxy.ts';
import type { LiveCluster } from '../../support/live-cluster.ts';
import type { SeenPod } from '../../support/pods.ts';

/** A pod that has been Ready for this long is not evicted (P3). */
const RUNS_MS = 10_000;

interface History {
  readonly architectures: readonly string[];
  readonly pod: SeenPod;
  /** When the pod became Ready, `performance.now()`; undefined while it is not. */
  readonly readySince?: number;
}

/** What a soak has seen of all its pods, also of deleted ones. */
export class PodHistories {
  readonly #byUid = new Map<string, History>();
  readonly #supported: (app: string) => readonly string[] | undefined;

  /** @param supported returns the architectures that the image of an app supports; undefined: no app of the soak */
  constructor(supported: (app: string) => readonly string[] | undefined) {
    this.#supported = supported;
  }

  /** Follows the pods of a namespace. Returns the function that ends it. */
  follow(live: LiveCluster, namespace: string): () => void {
    return live.onPod((pod) => {
      if (pod.namespace === namespace) this.#record(pod);
    });
  }

  /** The number of pods that were seen. */
  get size(): number {
    return this.#byUid.size;
  }

  /** Whether the pod is on a node that its image supports. */
  isRight(pod: SeenPod): boolean {
    return this.#supported(pod.app)?.includes(pod.architecture) === true;
  }

  /** Why an accepted eviction was wrong; undefined if it was right. A pod without a node runs nowhere. */
  faultOf({ uid, at }: SeenEviction): string | undefined {
    const history = this.#byUid.get(uid);
    if (history === undefined) return 'an unknown pod';
    const { pod, architectures, readySince } = history;
    if (pod.node === '') return undefined;
    if (architectures.includes(pod.architecture)) return `${pod.name} is on ${pod.node}, which its image supports`;
    if (readySince !== undefined && at - readySince >= RUNS_MS) return `${pod.name} has been Ready for 10 s`;
    return undefined;
  }

  #record(pod: SeenPod): void {
    const architectures = this.#supported(pod.app);
    if (architectures === undefined) return;
    const before = this.#byUid.get(pod.uid);
    const readySince = pod.ready ? (before?.readySince ?? performance.now()) : undefined;
    this.#byUid.set(pod.uid, { pod, architectures, ...(readySince !== undefined && { readySince }) });
  }
}
