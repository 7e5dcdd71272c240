import type { JsonObject } from '@archpolicy/core';
import { objectAt, textAt } from '@archpolicy/core';
import type { FakeClock } from '@archpolicy/testkit';
import { applyStatus } from '../../src/apply/apply.ts';
import { evict } from '../../src/evict/evict.ts';
import type { Api } from '../../src/http/api-client.ts';
import { PODS } from '../../src/http/paths.ts';
import { readLease, writeLease } from '../../src/lease/lease-api.ts';
import { Reflector } from '../../src/reflector/reflector.ts';
import { Store } from '../../src/reflector/store.ts';
import type { ApiChoice } from './axes.ts';

export interface CallContext {
  readonly api: Api;
  readonly clock: FakeClock;
  readonly signal: AbortSignal;
  /** Resolves after the responses that the case varies. */
  readonly answered: Promise<undefined>;
}

const PATH = '/api/v1/namespaces/shop/pods';
const MAX_BYTES = 64 * 1024;
const IDLE_MS = 60_000;
const LEASE = { namespace: 'shop', name: 'a' };
const BODY = { kind: 'Lease', metadata: { name: 'a', namespace: 'shop' } };

/** The calls of the client, with their outcomes. */
export const CALLS: Readonly<Record<ApiChoice['call'], (context: CallContext) => Promise<string>>> = {
  get: async ({ api, signal }) =>
    (await api.request({ method: 'GET', path: `${PATH}/a`, signal, maxBytes: MAX_BYTES })).kind,
  list: async ({ api, signal }) => (await api.list({ path: PATH, signal, onItem: () => undefined })).kind,
  watch: (context) => watch(context, Number.POSITIVE_INFINITY),
  'watch, first event only': (context) => watch(context, 1),
  evict: async ({ api, signal }) => (await evict(api, { ...LEASE, uid: 'u' }, signal)).kind,
  apply: async ({ api, signal }) =>
    (
      await applyStatus(
        api,
        { resource: PODS, kind: 'Pod', ...LEASE, fieldManager: 'archpolicy', status: { phase: 'x' } },
        signal,
      )
    ).kind,
  'read lease': async ({ api, signal }) => ((await readLease(api, LEASE, signal)) === undefined ? 'no lease' : 'lease'),
  'write lease': async ({ api, signal }) =>
    (await writeLease(api, LEASE, { body: BODY, create: false }, signal)) === undefined ? 'conflict' : 'lease',
  reflector: reflect,
  'reflector, later': reflect,
};

async function watch({ api, signal }: CallContext, most: number): Promise<string> {
  const answer = await api.watch({ path: PATH, signal, idleTimeoutMs: IDLE_MS });
  if (answer.kind === 'refused') return 'refused';
  let events = 0;
  for await (const event of answer.events) {
    events += event === null ? 0 : 1;
    if (events >= most) break;
  }
  return events === 0 ? 'no events' : 'events';
}

/** Runs a reflector until the API server, after some wrong responses, has sent a right list. */
async function reflect({ api, clock, signal, answered }: CallContext): Promise<string> {
  const store = new Store<string>({ uid: (name) => name, isUnchanged: () => false, onListenerError: () => undefined });
  const logger = { warn: () => undefined };
  const reflector = new Reflector({ api, path: PATH, parse: readName, store, clock, random: () => 0, logger });
  const end = new AbortController();
  const running = reflector.run(AbortSignal.any([signal, end.signal]));
  await answered;
  await reflector.synced(signal);
  end.abort();
  await running;
  return 'synced';
}

function readName(raw: JsonObject): string | undefined {
  return textAt(objectAt(raw, 'metadata'), 'name');
}
