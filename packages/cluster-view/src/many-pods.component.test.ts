import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ApiClient, fixedCredentials } from '@archpolicy/kube';
import { FakeApiServer, FakeClock, ManyPods } from '@archpolicy/testkit';
import { createClusterViewWithPods } from './cluster-view.ts';
import type { ClusterViewWithPods } from './cluster-view.ts';

const PODS = 4_000;
/**
 * Maximum memory of one pod: 100,000 pods take half of 350 MB. The other half is for the process itself and for
 * garbage.
 */
const MAX_BYTES_PER_POD = 1_700;
/**
 * Maximum number of pods that one iteration of the event loop processes, which are the pods that a socket and its
 * streams buffer. Splitting and parsing a pod takes about 0.1 ms, so an iteration stays far below 100 ms.
 */
const MAX_PODS_PER_ITERATION = 64;

jest.setTimeout(60_000);

let server: FakeApiServer;
let client: ApiClient;
let stop: AbortController;
let running: Promise<void> | undefined;
let seen = 0;

beforeEach(async () => {
  server = await new FakeApiServer().start();
  const size = { pods: PODS, nodes: 200, namespaces: 50, workloads: 500, crashing: 2 };
  server.collectionServers.set('/api/v1/pods', new ManyPods(size));
  stop = new AbortController();
  seen = 0;
});

afterEach(async () => {
  stop.abort();
  await running;
  await client.close();
  await server.stop();
});

function start(): ClusterViewWithPods {
  const clock = new FakeClock();
  client = new ApiClient({ credentials: fixedCredentials({ server: server.url }), clock, userAgent: 'test/0' });
  const logger = { debug: () => undefined, warn: () => undefined, error: () => undefined };
  const onPod = (): void => {
    seen += 1;
  };
  const view = createClusterViewWithPods({ api: client, clock, random: () => 0, logger, onPod });
  running = view.run(stop.signal);
  return view;
}

/** Returns the used heap in bytes after a garbage collection. */
function liveBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}

test('P8 yields to the event loop every few pods of a large list', async () => {
  const view = start();
  let synced = false;
  void view.synced(stop.signal).then(() => {
    synced = true;
  });
  let most = 0;
  let before = 0;
  const hasSynced = (): boolean => synced;
  while (!hasSynced()) {
    await new Promise(setImmediate);
    most = Math.max(most, seen - before);
    before = seen;
  }
  expect(seen).toBe(PODS);
  expect(most).toBeLessThanOrEqual(MAX_PODS_PER_ITERATION);
});

// Runs after the first test, when modules are loaded and code is compiled.
test('P8 a pod of 14 KB costs less than 1.7 KB of memory, indexes included', async () => {
  const before = liveBytes();
  const view = start();
  await view.synced(stop.signal);
  expect(view.pods.size).toBe(PODS);
  expect((liveBytes() - before) / PODS).toBeLessThan(MAX_BYTES_PER_POD);
});
