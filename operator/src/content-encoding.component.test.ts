import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { join } from 'node:path';
import {
  createWorld,
  ENCODED_IMAGES,
  ENCODED_IMAGES_USER,
  serveEncodedImages,
  TokenServer,
  WatchedProcess,
} from '@archpolicy/testkit';
import type { ApiFault, ApiRequestSeen, World } from '@archpolicy/testkit';

const MAIN = join(import.meta.dirname, 'main.ts');
const PODS = '/api/v1/pods';

// Processes on a loaded machine.
jest.setTimeout(60_000);

describe('an operator process whose registry encodes its responses', () => {
  let world: World;
  let tokens: TokenServer;
  let operator: WatchedProcess | undefined;
  /** The patch that lifts a pod's gate, by the pod's name. */
  const lifts = new Map<string, string>();

  /** A process of its own, so that an unhandled error ends it as in a cluster. */
  const startOperator = (): Promise<WatchedProcess> => {
    const variables = Object.entries({ ...world.env, ARCHPOLICY_LOG_LEVEL: 'info' });
    return WatchedProcess.start({
      command: 'env',
      args: () => [...variables.map(([name, value]) => `${name}=${value}`), process.execPath, MAIN],
      ready: 'became leader',
    });
  };

  const notePatch = ({ method, path, body }: ApiRequestSeen): ApiFault | undefined => {
    const [, name] = /^\/api\/v1\/namespaces\/shop\/pods\/([^/]+)$/.exec(path) ?? [];
    if (method !== 'PATCH' || name === undefined) return undefined;
    lifts.set(name, JSON.stringify(body));
    world.api.collection(PODS).remove(`shop/${name}`);
    return { kind: 'answer', status: 200, body: { metadata: { name }, spec: {} } };
  };

  const putGatedPod = (name: string, image: string): void => {
    world.api.collection(PODS).put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'shop', creationTimestamp: new Date().toISOString() },
      spec: { containers: [{ name: 'main', image }], schedulingGates: [{ name: 'archpolicy.dev/inspecting' }] },
      status: { phase: 'Pending' },
    });
  };

  /** Returns the number of finished inspections by outcome. */
  const inspections = async (): Promise<ReadonlyMap<string, number>> => {
    const text = await (await fetch(`http://127.0.0.1:${world.opsPort}/metrics`)).text();
    const lines = text.matchAll(/^archpolicy_inspections_total\{outcome="([^"]+)",source="[^"]+"\} (\d+)$/gmu);
    const counts = new Map<string, number>();
    for (const [, outcome = '', count] of lines) counts.set(outcome, (counts.get(outcome) ?? 0) + Number(count));
    return counts;
  };

  beforeAll(async () => {
    [world, tokens] = await Promise.all([createWorld(), new TokenServer([ENCODED_IMAGES_USER]).start()]);
    serveEncodedImages(world.registry, tokens);
    world.api.fault = notePatch;
  });

  // A case that crashes the process must not fail the next ones.
  beforeEach(async () => {
    for (const key of [...world.api.collection(PODS).objects.keys()]) world.api.collection(PODS).remove(key);
    if (operator?.isRunning !== true) operator = await startOperator();
  });

  afterAll(async () => {
    await operator?.stop();
    await Promise.all([world.end(), tokens.stop()]);
  });

  test.each(ENCODED_IMAGES)(
    'I4 Content-Encoding "$contentEncoding" on a $answer: $outcome, and the operator keeps running',
    async ({ repository, outcome }) => {
      const name = repository.replace('/', '-');
      const before = await inspections();
      putGatedPod(name, `${world.registry.host}/${repository}:v1`);
      while (!lifts.has(name) && operator?.isRunning === true) await new Promise((resolve) => setTimeout(resolve, 5));
      const constraint = '"values":["arm64"]';
      expect(lifts.get(name)).toEqual(
        outcome === 'resolved' ? expect.stringContaining(constraint) : expect.not.stringContaining(constraint),
      );
      // An unhandled error ends the process right after its outcome: it must respond once more.
      const ended = [...(await inspections())].filter(([key, count]) => count > (before.get(key) ?? 0));
      expect(ended.map(([key]) => key)).toEqual([outcome]);
      expect(operator).toMatchObject({ isRunning: true, log: expect.not.stringContaining('process failed') });
    },
  );
});
