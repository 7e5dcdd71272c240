import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '@archpolicy/async';
import { ApiClient, fixedCredentials, Store } from '@archpolicy/kube';
import type { PolicyEntry } from '@archpolicy/cluster-view';
import { objectAt, textAt } from '@archpolicy/core';
import type { Json } from '@archpolicy/core';
import { FakeApiServer } from '@archpolicy/testkit';
import { policy, silent } from '../fixtures/objects.ts';
import { PolicyOperator } from './policy-operator.ts';

const PATH = '/apis/archpolicy.dev/v1alpha1/archpolicies';
const STATUS: Json = { observedGeneration: 1, conditions: [], pods: { matched: 3 } };

describe('ArchPolicy’s operator on @dot-i/k8s-operator', () => {
  let server: FakeApiServer;
  let api: ApiClient;
  let store: Store<PolicyEntry>;
  let seen: string[];
  let end: AbortController;
  let operator: PolicyOperator;

  beforeEach(async () => {
    server = await new FakeApiServer().start();
    server
      .collection(PATH)
      .put({ apiVersion: 'archpolicy.dev/v1alpha1', kind: 'ArchPolicy', metadata: { name: 'default' }, spec: {} });
    api = new ApiClient({
      credentials: fixedCredentials({ server: server.url, tls: {}, headers: {} }),
      clock: systemClock(),
      userAgent: 'test',
    });
    store = new Store<PolicyEntry>();
    store.set('default', { kind: 'ok', value: policy({}) });
    seen = [];
    end = new AbortController();
    operator = new PolicyOperator({
      policies: {
        get: (name) => store.get(name),
        list: () => store.list().flatMap((entry) => (entry.kind === 'ok' ? [entry.value] : [])),
        invalid: () => [],
        subscribe: (listener) => store.subscribe(listener),
      },
      api,
      logger: silent,
      onPolicy: (name) => seen.push(name),
    });
    await operator.run(end.signal);
  });
  afterEach(async () => {
    end.abort();
    await api.close();
    await server.stop();
  });

  const currentVersion = (): string =>
    textAt(objectAt(server.collection(PATH).objects.get('default') ?? {}, 'metadata'), 'resourceVersion') ?? '';

  test('policies that are there, come, change and go are told by the reflector’s store', () => {
    store.set('late', { kind: 'ok', value: policy({}, 'late') });
    store.set('late', { kind: 'ok', value: policy({ mode: 'Audit' }, 'late') });
    store.delete('late');
    expect(seen).toEqual(['default', 'late', 'late', 'late']);
    expect(server.watches.size).toBe(0);
  });

  test('a status is one merge patch of the subresource, locked on the version, by our own client', async () => {
    expect(await operator.writeStatus({ name: 'default', resourceVersion: currentVersion() }, STATUS)).toBe(true);
    const [request] = server.requests;
    expect(server.requests).toHaveLength(1);
    expect(request).toMatchObject({
      method: 'PATCH',
      path: `${PATH}/default/status`,
      body: { kind: 'ArchPolicy', metadata: { name: 'default' }, status: STATUS },
    });
    expect(request?.headers).toMatchObject({ 'content-type': 'application/merge-patch+json', 'user-agent': 'test' });
  });

  test('a conflict is no success', async () => {
    expect(await operator.writeStatus({ name: 'default', resourceVersion: '0' }, STATUS)).toBe(false);
  });

  test.each([429, 500, 503])(
    'a %d is no success, is not tried again by the package, and ends nothing',
    async (status) => {
      server.fault = () => ({ kind: 'answer', status });
      expect(await operator.writeStatus({ name: 'default', resourceVersion: '1' }, STATUS)).toBe(false);
      expect(server.requests).toHaveLength(1);
    },
  );

  test('a connection that breaks is no success', async () => {
    server.fault = () => ({ kind: 'reset' });
    expect(await operator.writeStatus({ name: 'default', resourceVersion: '1' }, STATUS)).toBe(false);
  });

  test('the end of the term ends the writes under way, and events are told no more', async () => {
    server.fault = () => {
      setImmediate(() => {
        end.abort();
      });
      return { kind: 'hang' };
    };
    expect(await operator.writeStatus({ name: 'default', resourceVersion: '1' }, STATUS)).toBe(false);
    store.set('late', { kind: 'ok', value: policy({}, 'late') });
    expect(seen).toEqual(['default']);
  });

  test('a term that ends while it starts tells nothing more', async () => {
    end.abort();
    const over = new AbortController();
    const late = operator.run(over.signal);
    over.abort();
    await late;
    seen.length = 0;
    store.set('late', { kind: 'ok', value: policy({}, 'late') });
    expect(seen).toEqual([]);
  });
});
