import { queryObjects } from 'node:v8';
import { systemClock, yieldToEventLoop } from '@archpolicy/async';
import type { CountedClass } from './target.ts';

/** Kinds of resources that a batch may open, as Node names them. */
const KINDS = /^(TCP|Pipe|TLS|UDP|Process|Timeout|GetAddrInfo|Query)/;
/** After a batch, closing its resources takes a few iterations of the event loop. */
const ITERATIONS = 100;
/** Then some more time, which only a leak uses up. It is longer than the timeout of opening a connection. */
const DEFAULT_WAIT_MS = 5_000;
/** Objects that may be more than in the first count: caches of Node and of the libraries that are still being filled. */
const ALLOWED_GROWTH = 300;

/** Counts the open sockets, servers, child processes and timers of this process. */
function countResources(): number {
  return process.getActiveResourcesInfo().filter((kind) => KINDS.test(kind)).length;
}

/** Node opens the pipes of standard output and error at their first use. They must not count as opened by a batch. */
function openStandardStreams(): void {
  for (const stream of [process.stdout, process.stderr]) stream.write('');
}

/** Detects resources that are open after a batch. */
export class OpenResources {
  readonly #connections: () => number;
  readonly #before: number;

  /** @param connections the number of open connections to the servers of the fuzzer */
  constructor(connections: () => number) {
    this.#connections = connections;
    openStandardStreams();
    this.#before = countResources();
  }

  /** Waits until the batch has closed everything. Returns what is still open after a long wait. */
  async find(waitMs = DEFAULT_WAIT_MS): Promise<readonly string[]> {
    const clock = systemClock();
    for (let at = 0; at < ITERATIONS + waitMs; at += 1) {
      if (countResources() <= this.#before && this.#connections() === 0) return [];
      await (at < ITERATIONS ? yieldToEventLoop() : clock.sleep(1));
    }
    const kinds = process.getActiveResourcesInfo().toSorted().join(', ');
    return [`left open: ${this.#connections()} connections, ${kinds}`];
  }
}

/** Compares the number of live objects of some classes with their first count. */
export class ObjectCounts {
  readonly #classes: readonly CountedClass[];
  #first: readonly number[] | undefined;

  constructor(classes: readonly CountedClass[]) {
    this.#classes = classes;
  }

  /** Collects garbage, counts, and returns the classes that have grown since the first count. */
  compare(): readonly string[] {
    const counts = this.#classes.map((counted) => queryObjects(counted, { format: 'count' }));
    const first = this.#first ?? counts;
    this.#first = first;
    return this.#classes.flatMap(({ name }, at) => {
      const [before = 0, after = 0] = [first[at], counts[at]];
      return after <= before + ALLOWED_GROWTH ? [] : [`objects not released: ${name} from ${before} to ${after}`];
    });
  }
}
