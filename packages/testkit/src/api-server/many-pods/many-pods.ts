import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { CollectionServer } from '../fake-api-server.ts';
import type { ApiRequestSeen } from '../request.ts';
import { podText } from './pod-template.ts';

/** The size of the cluster. */
export interface ManyPodsSize {
  readonly pods: number;
  readonly nodes: number;
  readonly namespaces: number;
  /** Deployments, each with its own image. */
  readonly workloads: number;
  /** The number of crash-looping pods per 1,000. */
  readonly crashing: number;
  /** The registry host of the images; `registry.example` if absent. */
  readonly registry?: string;
}

/** The stored state of a pod. The pod's other fields are computed from its number. */
interface Slot {
  /** The number of earlier pods in this slot. Each has its own name and uid. */
  generation: number;
  restarts: number;
  version: number;
  ready: boolean;
}

interface Change {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly at: number;
  /** A copy of the state at that version. */
  readonly slot: Slot;
}

/** Number of pods per write of a page. Each write is awaited. */
const BATCH_SIZE = 20;
const FIRST_VERSION = 1_000_000;
const SINCE = '2026-06-01T08:00:00Z';

/**
 * The pods of a large cluster. A pod has a real size on the wire, but takes only a few bytes of memory. Serves paged
 * LIST and WATCH as the API server does; `change` simulates the churn of a cluster.
 */
export class ManyPods implements CollectionServer {
  readonly #size: ManyPodsSize;
  readonly #slots: Slot[];
  readonly #changes: Change[] = [];
  readonly #watches = new Set<ServerResponse>();
  #version = FIRST_VERSION;
  /** The total size of the pods sent. */
  bytesSent = 0;

  constructor(size: ManyPodsSize) {
    this.#size = size;
    this.#slots = Array.from({ length: size.pods }, (_, at) => ({
      generation: 0,
      restarts: 0,
      version: FIRST_VERSION - size.pods + at,
      ready: at % 1_000 >= size.crashing,
    }));
  }

  serve({ query }: ApiRequestSeen, response: ServerResponse): void {
    response.on('error', () => undefined);
    response.writeHead(200, { 'content-type': 'application/json' });
    if (query.get('watch') === 'true') this.#watch(Number(query.get('resourceVersion')), response);
    else this.#list(query, response).catch(() => response.destroy());
  }

  /**
   * Applies the next change. Of ten changes, seven update the status of a pod, and three replace a pod, which is a
   * deletion and an addition. Returns the number of events.
   */
  change(step: number): number {
    // A stride that is coprime to the number of pods visits each pod.
    const at = (step * 7_919) % this.#slots.length;
    const slot = this.#slots[at];
    if (slot === undefined) return 0;
    if (step % 10 < 7) {
      slot.restarts += 1;
      this.#publish('MODIFIED', at, slot);
      return 1;
    }
    this.#publish('DELETED', at, slot);
    slot.generation += 1;
    slot.restarts = 0;
    this.#publish('ADDED', at, slot);
    return 2;
  }

  /** Returns the current pod as JSON. */
  text(at: number): string {
    const slot = this.#slots[at];
    if (slot === undefined) throw new RangeError(`there is no pod ${at}`);
    return this.#renderPod(at, slot);
  }

  get size(): number {
    return this.#slots.length;
  }

  #publish(type: Change['type'], at: number, slot: Slot): void {
    this.#version += 1;
    slot.version = this.#version;
    const change = { version: this.#version, type, at, slot: { ...slot } };
    this.#changes.push(change);
    const line = this.#renderEvent(change);
    for (const watch of this.#watches) this.#write(watch, line);
  }

  #renderEvent({ type, at, slot }: Change): string {
    return `{"type":"${type}","object":${this.#renderPod(at, slot)}}\n`;
  }

  #write(response: ServerResponse, text: string): boolean {
    this.bytesSent += text.length;
    return response.write(text);
  }

  #watch(from: number, response: ServerResponse): void {
    response.flushHeaders();
    for (const change of this.#changes) if (change.version > from) this.#write(response, this.#renderEvent(change));
    this.#watches.add(response);
    response.on('close', () => this.#watches.delete(response));
  }

  /**
   * Serves a page of the current pods. A watch from the version of the first page sends the changes since that version
   * again.
   */
  async #list(query: URLSearchParams, response: ServerResponse): Promise<void> {
    const [version = this.#version, start = 0] = (query.get('continue') ?? '').split('.').filter(Boolean).map(Number);
    const end = Math.min(start + Number(query.get('limit') ?? Infinity), this.#slots.length);
    const more = end < this.#slots.length ? `,"continue":"${version}.${end}"` : '';
    response.write(`{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"${version}"${more}},"items":[`);
    for (let from = start; from < end; from += BATCH_SIZE) {
      const piece = this.#slots.slice(from, Math.min(from + BATCH_SIZE, end));
      const texts = piece.map((slot, offset) => this.#renderPod(from + offset, slot)).join(',');
      if (!this.#write(response, from === start ? texts : `,${texts}`)) await once(response, 'drain');
    }
    response.end(']}');
  }

  #renderPod(at: number, { generation, restarts, version, ready }: Slot): string {
    const { workloads, namespaces, nodes, registry = 'registry.example' } = this.#size;
    const workload = at % workloads;
    const namespace = `team-${workload % namespaces}`;
    const app = `service-${workload}`;
    const id = `${at.toString(36).padStart(5, '0')}${generation.toString(36)}`;
    return podText({
      namespace,
      app,
      name: `${app}-7c9f8d6b5c-${id}`,
      uid: `7b1c9a52-0000-4000-8000-${id.padStart(12, '0')}`,
      ownerUid: `5d0e11ab-0000-4000-8000-${String(workload).padStart(12, '0')}`,
      version,
      node: `node-${at % nodes}`,
      image: `${registry}/${namespace}/${app}:v3`,
      address: `10.${(at >> 16) & 255}.${(at >> 8) & 255}.${at & 255}`,
      ready,
      restarts,
      since: SINCE,
    });
  }
}
