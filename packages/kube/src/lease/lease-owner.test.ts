import { describe, expect, test } from '@jest/globals';
import { aborted } from '@archpolicy/async';
import { objectAt } from '@archpolicy/core';
import type { Json } from '@archpolicy/core';
import { FakeClock } from '@archpolicy/testkit';
import { parseStatusError } from '../http/response.ts';
import type { ApiResponse } from '../http/response.ts';
import type { ApiRequest } from '../http/api-client.ts';
import type { OwnerReference } from '../owner/owner-reference.ts';
import { LeaseStore } from './fixtures/lease-store.ts';
import { LeaderElection } from './leader-election.ts';
import { SharedLease } from './shared-lease.ts';

const LEASE = { namespace: 'archpolicy-system', name: 'archpolicy-operator' };
const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined };
const reference = (uid: string): OwnerReference => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  name: 'archpolicy-operator',
  uid,
});

/** Rejects changes of the owner references of an existing Lease, as the admission plugin does. */
class StrictStore extends LeaseStore {
  rejections = 0;

  override request(request: ApiRequest): Promise<ApiResponse> {
    const changes = JSON.stringify(owners(request.body)) !== JSON.stringify(owners(this.lease));
    if (request.method === 'PUT' && changes) {
      this.rejections += 1;
      return Promise.resolve(parseStatusError(403, undefined, undefined));
    }
    return super.request(request);
  }
}

const owners = (object: Json | undefined): Json | undefined =>
  objectAt(objectAt({ object: object ?? {} }, 'object'), 'metadata')['ownerReferences'];

/** The two kinds of holders, each with its store; `run` holds the Lease until the returned function is called. */
const holders = {
  'a leader': (store: LeaseStore, clock: FakeClock, owner: () => OwnerReference | undefined) => {
    const stop = new AbortController();
    const options = { api: store, lease: LEASE, identity: 'me', owner, clock, random: () => 0, logger };
    const done = new LeaderElection(options).run(stop.signal, ({ signal }) => aborted(signal));
    return () => (stop.abort(), done);
  },
  'a serving replica': (store: LeaseStore, clock: FakeClock, owner: () => OwnerReference | undefined) => {
    const stop = new AbortController();
    const isReady = (): boolean => true;
    const options = { api: store, lease: LEASE, identity: 'me', owner, isReady, clock, random: () => 0, logger };
    const done = new SharedLease(options).run(stop.signal);
    return () => (stop.abort(), done);
  },
};

describe.each(Object.entries(holders))('the Lease of %s', (_, hold) => {
  test('P9 is created with its owner, and gets a later one with its next renewal', async () => {
    const [store, clock] = [new LeaseStore(), new FakeClock()];
    let owner = reference('first');
    const end = hold(store, clock, () => owner);
    await clock.advance(0);
    expect(owners(store.lease)).toEqual([reference('first')]);
    expect(objectAt(store.lease!, 'metadata')).toMatchObject({
      ...{ namespace: 'archpolicy-system', name: 'archpolicy-operator' },
      labels: { 'app.kubernetes.io/name': 'archpolicy', 'app.kubernetes.io/managed-by': 'archpolicy' },
      annotations: { 'archpolicy.dev/format': '1' },
    });
    owner = reference('second');
    await clock.advance(10_000);
    expect(owners(store.lease)).toEqual([reference('second')]);
    await end();
    expect(owners(store.lease)).toEqual([reference('second')]);
  });

  test('P9 has none without a Deployment, and one of another writer stays', async () => {
    const [store, clock] = [new LeaseStore(), new FakeClock()];
    const end = hold(store, clock, () => undefined);
    await clock.advance(0);
    expect(owners(store.lease)).toBeUndefined();
    store.set({ ...store.lease, metadata: { name: LEASE.name, ownerReferences: ['foreign'] } });
    await clock.advance(10_000);
    expect(owners(store.lease)).toEqual(['foreign']);
    expect(store.holder).toBe('me');
    await end();
  });

  test('P2 is renewed without its owner if the API server rejects the reference, which is tried once', async () => {
    const [store, clock] = [new StrictStore(), new FakeClock()];
    const known: OwnerReference[] = [];
    const end = hold(store, clock, () => known[0]);
    await clock.advance(0);
    known.push(reference('first'));
    const before = store.writes.length;
    await clock.advance(30_000);
    expect(store.rejections).toBe(1);
    expect(store.writes.length).toBeGreaterThan(before + 2);
    expect(owners(store.lease)).toBeUndefined();
    await end();
  });
});
