import { objectAt, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import type { Clock } from '../../clock.ts';
import { ApiClient } from '../../http/api-client.ts';
import { fixedCredentials } from '../../http/credentials.ts';
import { Reflector } from '../reflector.ts';
import { Store } from '../store.ts';
import type { StoreEvent } from '../store.ts';

/** The collection that the tests reflect. */
export const PATH = '/api/v1/pods';

export interface Thing {
  readonly name: string;
  readonly uid: string;
  readonly version: string;
  readonly value: string;
}

/** An object for the server. The value `unwanted` is not kept, `broken` cannot be parsed. */
export const thing = (name: string, value = ''): JsonObject => ({ metadata: { name, namespace: 'shop' }, value });

function parseThing(raw: JsonObject): Thing | undefined {
  const value = textAt(raw, 'value') ?? '';
  if (value === 'unwanted') return undefined;
  if (value === 'broken') throw new Error('cannot be read');
  const field = (key: string): string => textAt(objectAt(raw, 'metadata'), key) ?? '';
  return { name: field('name'), uid: field('uid'), version: field('resourceVersion'), value };
}

/** A clock that the rig turns. */
export interface TurnableClock extends Clock {
  somebodySleeps(isIt: (ms: number) => boolean): Promise<void>;
  advance(ms: number): Promise<void>;
}

/** A reflector against a server. Back-offs pass at once; every other wait is the test's. */
export class ReflectorRig {
  readonly failures: { readonly failure: string; readonly delayMs: number }[] = [];
  readonly events: StoreEvent<Thing>[] = [];
  readonly unreadable: string[] = [];
  readonly listenerErrors: unknown[] = [];
  readonly stop = new AbortController();
  readonly store: Store<Thing>;
  readonly reflector: Reflector<Thing>;
  readonly #client: ApiClient;
  #running: Promise<void> | undefined;

  constructor(server: string, clock: TurnableClock) {
    this.store = new Store<Thing>({
      uid: ({ uid }) => uid,
      same: (a, b) => a.version === b.version,
      onListenerError: (error) => this.listenerErrors.push(error),
    });
    this.store.subscribe((event) => this.events.push(event));
    this.#client = new ApiClient({ credentials: fixedCredentials({ server }), clock, userAgent: 'test/0' });
    this.reflector = new Reflector<Thing>({
      api: this.#client,
      path: PATH,
      parse: parseThing,
      store: this.store,
      clock,
      random: () => 0,
      logger: { warn: () => undefined },
      observer: {
        unreadable: (key) => this.unreadable.push(key),
        failed: (failure, delayMs) => {
          this.failures.push({ failure, delayMs });
          void clock.somebodySleeps((ms) => ms === delayMs).then(() => clock.advance(delayMs));
        },
      },
    });
  }

  run(): void {
    this.#running = this.reflector.run(this.stop.signal);
  }

  async synced(): Promise<void> {
    await this.reflector.synced(this.stop.signal);
  }

  /** Until the store says so; looked at after each of its changes. */
  async until(isSo: () => boolean): Promise<void> {
    if (isSo()) return;
    await new Promise<void>((resolve) => {
      const end = this.store.subscribe(() => {
        if (!isSo()) return;
        end();
        resolve();
      });
    });
  }

  values(): Record<string, string> {
    return Object.fromEntries(this.store.list().map(({ name, value }) => [name, value]));
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.#running;
    await this.#client.close();
  }
}
