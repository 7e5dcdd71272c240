import { Readable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { KubeError } from '../errors.ts';
import type { Api, WatchStream } from './api-client.ts';
import { ObservedApi } from './observed-api.ts';
import type { EndedRequest } from './observed-api.ts';
import type { ApiResponse } from './response.ts';

const { signal } = new AbortController();
const THROTTLED = { kind: 'refused', status: 429, reason: 'TooManyRequests', message: '', details: {} } as const;
const OK: ApiResponse = { kind: 'ok', status: 200, body: null };

/** Returns a client whose requests take 40 ms and end with these functions, and the list of observed requests. */
function observe(ends: { readonly [K in keyof Api]?: () => Awaited<ReturnType<Api[K]>> }): {
  readonly api: ObservedApi;
  readonly ended: readonly EndedRequest[];
} {
  const clock = new FakeClock();
  const after = async <R>(end: (() => R) | undefined): Promise<R> => {
    await clock.advance(40);
    if (end === undefined) throw new KubeError('Network', 'unexpected request');
    return end();
  };
  const ended: EndedRequest[] = [];
  const api = new ObservedApi({
    api: { request: () => after(ends.request), list: () => after(ends.list), watch: () => after(ends.watch) },
    clock,
    onEnded: (request) => void ended.push(request),
  });
  return { api, ended };
}

test('a request that the API server throttles is reported with its status and duration, and passes unchanged', async () => {
  const { api, ended } = observe({ request: () => THROTTLED });
  const path = '/api/v1/namespaces/shop/pods/web-0/eviction';
  expect(await api.request({ method: 'POST', path, signal })).toBe(THROTTLED);
  expect(ended).toEqual([{ verb: 'create', resource: 'pods/eviction', code: '429', tookMs: 40 }]);
});

test('a request without a response is reported, and its error passes unchanged', async () => {
  const error = new KubeError('Timeout', 'late');
  const { api, ended } = observe({
    request: () => {
      throw error;
    },
  });
  await expect(api.request({ method: 'GET', path: '/api/v1/nodes/a', signal })).rejects.toBe(error);
  expect(ended).toEqual([{ verb: 'get', resource: 'nodes', code: 'timeout', tookMs: 40 }]);
});

test('a LIST and a watch are reported, the watch when its headers arrive', async () => {
  const stream: WatchStream = { kind: 'streaming', events: Readable.from([]) };
  const { api, ended } = observe({ list: () => OK, watch: () => stream });
  const path = '/api/v1/pods';
  await api.list({ path, signal, onItem: () => undefined });
  expect(await api.watch({ path, signal, idleTimeoutMs: 1 })).toBe(stream);
  expect(ended.map(({ verb, code }) => `${verb} ${code}`)).toEqual(['list 200', 'watch 200']);
});
