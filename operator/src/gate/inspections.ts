import type { Clock, Random } from '@archpolicy/async';
import { inspectionRetryDelayMs } from '@archpolicy/core';
import type { Inspection } from '@archpolicy/core';
import type { Logger } from '@archpolicy/service';
import type { Inspector, PullSecrets } from './ports.ts';
import { inspectionKey } from './pending-images.ts';
import type { PendingImage } from './pending-images.ts';

/**
 * How long one inspection may take. It is longer than the inspector's own deadline for one image, so that the inspector
 * reports the real cause of a failure before this time ends.
 */
const INSPECTION_BUDGET_MS = 20_000;

export interface InspectionsOptions {
  readonly inspector: Inspector;
  readonly pullSecrets: PullSecrets;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Pick<Logger, 'warn'>;
  /** Called when an inspection ends, with the pods that wait for its image. */
  readonly onResult: (pods: Iterable<string>) => void;
  /** Called with the result of each inspection. */
  readonly onInspected?: (inspection: Inspection) => void;
}

/**
 * Inspects the images of gated pods. All pods of a namespace that wait for an image with the same credentials share one
 * inspection. While pods wait, a failed inspection is repeated with a back-off that depends on the failure. `register`
 * never blocks: it returns the results so far; `onResult` reports each new result.
 */
export class Inspections {
  readonly #options: InspectionsOptions;
  readonly #entries = new Map<string, Entry>();
  /** The entries for which each pod waits, by the pod's key. */
  readonly #waits = new Map<string, ReadonlySet<Entry>>();

  constructor(options: InspectionsOptions) {
    this.#options = options;
  }

  /** The number of images with a running or scheduled inspection. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Registers the images of a pod, which replace the images that it registered before. Returns the results so far, by
   * image.
   */
  register(pod: string, wanted: readonly PendingImage[]): ReadonlyMap<string, Inspection> {
    const entries = new Map(wanted.map((image) => [image.image, this.getEntry(image)]));
    const before = this.#waits.get(pod);
    const now = new Set(entries.values());
    for (const entry of now) entry.pods.add(pod);
    this.#waits.set(pod, now);
    for (const entry of before ?? []) if (!now.has(entry)) this.#drop(entry, pod);
    const known = new Map<string, Inspection>();
    for (const [image, { answer }] of entries) if (answer !== undefined) known.set(image, answer);
    return known;
  }

  /** Removes a pod. Aborts each inspection for which no other pod waits. */
  release(pod: string): void {
    const entries = this.#waits.get(pod);
    this.#waits.delete(pod);
    for (const entry of entries ?? []) this.#drop(entry, pod);
  }

  /** Aborts all inspections. */
  stop(): void {
    for (const entry of this.#entries.values()) entry.stopping.abort();
    this.#entries.clear();
    this.#waits.clear();
  }

  getEntry(wanted: PendingImage): Entry {
    const key = inspectionKey(wanted);
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const entry: Entry = { key, wanted, pods: new Set(), stopping: new AbortController(), answer: undefined };
    this.#entries.set(key, entry);
    void this.inspectWithRetries(entry);
    return entry;
  }

  #drop(entry: Entry, pod: string): void {
    entry.pods.delete(pod);
    if (entry.pods.size > 0) return;
    this.#entries.delete(entry.key);
    entry.stopping.abort();
  }

  /**
   * Inspects an image. Repeats a failed inspection after a delay, as long as a repetition can succeed. Never rejects.
   */
  async inspectWithRetries(entry: Entry): Promise<void> {
    const { signal } = entry.stopping;
    const stopped = (): boolean => signal.aborted;
    for (let attempts = 1; !stopped(); attempts += 1) {
      const inspection = await this.#inspect(entry.wanted, signal);
      if (stopped()) return;
      this.#options.onInspected?.(inspection);
      entry.answer = inspection;
      this.#options.onResult(entry.pods);
      const { clock, random } = this.#options;
      const delayMs = inspectionRetryDelayMs(inspection, { attempts, nowMs: clock.now(), random: random() });
      if (delayMs === undefined) return;
      await clock.sleep(delayMs, signal).catch(() => undefined);
    }
  }

  async #inspect(wanted: PendingImage, signal: AbortSignal): Promise<Inspection> {
    const { inspector, pullSecrets, logger } = this.#options;
    const { image: reference, pullPolicy, namespace, pullSecrets: names } = wanted;
    try {
      const secrets = names.length === 0 ? [] : await pullSecrets.read(namespace, names, signal);
      return await inspector.inspect({
        reference,
        tenant: namespace,
        pullSecrets: secrets,
        pullPolicy,
        budgetMs: INSPECTION_BUDGET_MS,
        signal,
      });
    } catch (err) {
      if (!signal.aborted) logger.warn({ err, image: reference, namespace }, 'failed to inspect image, retrying');
      return { kind: 'unresolved', reason: 'Unavailable' };
    }
  }
}

interface Entry {
  readonly key: string;
  readonly wanted: PendingImage;
  /** Keys of the waiting pods. */
  readonly pods: Set<string>;
  readonly stopping: AbortController;
  answer: Inspection | undefined;
}
