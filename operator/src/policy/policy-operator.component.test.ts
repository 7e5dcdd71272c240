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

  test('delivers existing, added, changed and deleted policies from the reflector’s store', () => {
    store.set('late', { kind: 'ok', value: policy({}, 'late') });
    store.set('late', { kind: 'ok', value: policy({ mode: 'Audit' }, 'late') });
    store.delete('late');
    expect(seen).toEqual(['default', 'late', 'late', 'late']);
    expect(server.watches.size).toBe(0);
  });

  test('writes a status as one merge patch of the subresource with resourceVersion, by our client', async () => {
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

  test('returns false for a conflict', async () => {
    expect(await operator.writeStatus({ name: 'default', resourceVersion: '0' }, STATUS)).toBe(false);
  });

  test.each([429, 500, 503])('returns false for a %d, without a retry by the package or an exit', async (status) => {
    server.fault = () => ({ kind: 'answer', status });
    expect(await operator.writeStatus({ name: 'default', resourceVersion: '1' }, STATUS)).toBe(false);
    expect(server.requests).toHaveLength(1);
  });

  test('returns false for a reset connection', async () => {
    server.fault = () => ({ kind: 'reset' });
    expect(await operator.writeStatus({ name: 'default', resourceVersion: '1' }, STATUS)).toBe(false);
  });

  test('aborts pending writes and stops delivering events when its signal aborts', async () => {
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

  test('writes at the end of a term, after its signal was aborted', async () => {
    end.abort();
    const policy = { name: 'default', resourceVersion: currentVersion() };
    expect(await operator.writeStatus(policy, STATUS)).toBe(false);
    operator.allowLastWrites();
    expect(await operator.writeStatus(policy, STATUS)).toBe(true);
  });

  test('delivers no event when its signal aborts during the start', async () => {
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
