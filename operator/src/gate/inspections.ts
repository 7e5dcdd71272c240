import type { Clock, Random } from '@archpolicy/async';
import { inspectAgainMs } from '@archpolicy/core';
import type { Inspection } from '@archpolicy/core';
import type { Logger } from '@archpolicy/service';
import type { Inspector, PullSecrets } from './ports.ts';
import { inspectionKey } from './wanted-images.ts';
import type { WantedImage } from './wanted-images.ts';

/** Longer than the inspector works on one image: what it says then is a cause, not that we did not wait. */
const INSPECTION_BUDGET_MS = 20_000;

export interface InspectionsOptions {
  readonly inspector: Inspector;
  readonly pullSecrets: PullSecrets;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Pick<Logger, 'warn'>;
  /** Something new is known about an image that these pods wait for. */
  readonly onAnswer: (pods: Iterable<string>) => void;
  /** An image was inspected for those who wait; what came of it. */
  readonly onInspected?: (inspection: Inspection) => void;
}

/**
 * The images that gated pods wait for: each is inspected once however many pods wait, and again with back-off by cause
 * while anybody waits. Nobody is kept waiting here: who asks gets what is known, and is told when more is.
 */
export class Inspections {
  readonly #options: InspectionsOptions;
  readonly #entries = new Map<string, Entry>();
  /** Which entries each pod waits for. */
  readonly #waits = new Map<string, ReadonlySet<Entry>>();

  constructor(options: InspectionsOptions) {
    this.#options = options;
  }

  /** Images that are being inspected, or will be again. */
  get size(): number {
    return this.#entries.size;
  }

  /** What is known now of the images, by image; the pod is told when more is. Takes the place of what it asked before. */
  ask(pod: string, wanted: readonly WantedImage[]): ReadonlyMap<string, Inspection> {
    const entries = new Map(wanted.map((image) => [image.image, this.#entryOf(image)]));
    const before = this.#waits.get(pod);
    const now = new Set(entries.values());
    for (const entry of now) entry.pods.add(pod);
    this.#waits.set(pod, now);
    for (const entry of before ?? []) if (!now.has(entry)) this.#drop(entry, pod);
    const known = new Map<string, Inspection>();
    for (const [image, { answer }] of entries) if (answer !== undefined) known.set(image, answer);
    return known;
  }

  /** The pod waits for nothing any more. */
  leave(pod: string): void {
    const entries = this.#waits.get(pod);
    this.#waits.delete(pod);
    for (const entry of entries ?? []) this.#drop(entry, pod);
  }

  /** Ends everything. */
  stop(): void {
    for (const entry of this.#entries.values()) entry.stopping.abort();
    this.#entries.clear();
    this.#waits.clear();
  }

  #entryOf(wanted: WantedImage): Entry {
    const key = inspectionKey(wanted);
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const entry: Entry = { key, wanted, pods: new Set(), stopping: new AbortController(), answer: undefined };
    this.#entries.set(key, entry);
    void this.#work(entry);
    return entry;
  }

  #drop(entry: Entry, pod: string): void {
    entry.pods.delete(pod);
    if (entry.pods.size > 0) return;
    this.#entries.delete(entry.key);
    entry.stopping.abort();
  }

  /** Never rejects. */
  async #work(entry: Entry): Promise<void> {
    const { signal } = entry.stopping;
    const stopped = (): boolean => signal.aborted;
    for (let attempts = 1; !stopped(); attempts += 1) {
      const inspection = await this.#inspect(entry.wanted, signal);
      if (stopped()) return;
      this.#options.onInspected?.(inspection);
      entry.answer = inspection;
      this.#options.onAnswer(entry.pods);
      const { clock, random } = this.#options;
      const delayMs = inspectAgainMs(inspection, { attempts, nowMs: clock.now(), random: random() });
      if (delayMs === undefined) return;
      await clock.sleep(delayMs, signal).catch(() => undefined);
    }
  }

  async #inspect(wanted: WantedImage, signal: AbortSignal): Promise<Inspection> {
    const { inspector, pullSecrets, logger } = this.#options;
    const { image: reference, pullPolicy, namespace, pullSecrets: names } = wanted;
    try {
      const secrets = names.length === 0 ? [] : await pullSecrets.read(namespace, names, signal);
      return await inspector.inspect({
        reference,
        pullSecrets: secrets,
        pullPolicy,
        budgetMs: INSPECTION_BUDGET_MS,
        signal,
      });
    } catch (err) {
      if (!signal.aborted) logger.warn({ err, image: reference, namespace }, 'an image could not be inspected');
      return { kind: 'unresolved', reason: 'Unavailable' };
    }
  }
}

interface Entry {
  readonly key: string;
  readonly wanted: WantedImage;
  /** Keys of the pods that wait for it. */
  readonly pods: Set<string>;
  readonly stopping: AbortController;
  answer: Inspection | undefined;
}
