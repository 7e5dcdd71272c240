import { describe, expect, test } from '@jest/globals';
import { onAbort } from '@archpolicy/async';
import type { Inspection } from '@archpolicy/core';
import { PullSecretContent } from '@archpolicy/cluster-view';
import type { PullSecretsResult } from '@archpolicy/cluster-view';
import type { InspectRequest } from '@archpolicy/registry';
import { FakeClock } from '@archpolicy/testkit';
import { InspectedImages } from './images.ts';
import { crashLoopingPod, policy, resolved } from '../../fixtures/objects.ts';

const signal = new AbortController().signal;

interface SetUp {
  readonly answer?: Inspection;
  /** The result of reading the pod's pull secrets. */
  readonly found?: PullSecretsResult;
  readonly isCached?: boolean;
  /** The read ends only when its signal is aborted. */
  readonly readHangs?: boolean;
}

const NONE: PullSecretsResult = { secrets: [], complete: true };

function inspecting({
  answer = resolved('linux/arm64'),
  found = NONE,
  isCached = false,
  readHangs = false,
}: SetUp = {}): {
  readonly images: InspectedImages;
  readonly asked: InspectRequest[];
  readonly named: string[];
  readonly clock: FakeClock;
} {
  const asked: InspectRequest[] = [];
  const named: string[] = [];
  const inspect = (request: InspectRequest): Promise<Inspection> => {
    asked.push(request);
    return Promise.resolve(answer);
  };
  const pullSecrets = {
    peek: () => (isCached ? found : undefined),
    read: (namespace: string, names: readonly string[], ended: AbortSignal) => {
      named.push(...names.map((name) => `${namespace}/${name}`));
      if (!readHangs) return Promise.resolve(found);
      return new Promise<PullSecretsResult>((resolve) => {
        onAbort(ended, () => {
          resolve({ secrets: [], complete: false });
        });
      });
    },
  };
  const clock = new FakeClock();
  return { images: new InspectedImages({ inspector: { inspect }, pullSecrets, clock }), asked, named, clock };
}

const named = (count: number): string[] => Array.from({ length: count }, (_, index) => `registry.test/web:v${index}`);

describe('inspecting the images of a pod', () => {
  test('a worker does not wait long for a slow registry', async () => {
    const { images, asked } = inspecting();
    await images.inspect(crashLoopingPod('a'), policy({}), signal);
    expect(asked.map(({ reference }) => reference)).toEqual(['registry.test/web:v1']);
    expect(asked[0]?.budgetMs).toBeLessThanOrEqual(400);
  });

  test("K5 an inspection counts for the pod's namespace", async () => {
    const { images, asked } = inspecting();
    await images.inspect(crashLoopingPod('a', { namespace: 'bank' }), policy({}), signal);
    expect(asked.map(({ tenant }) => tenant)).toEqual(['bank']);
  });

  test.each([
    [256, 256],
    [257, 0],
  ])('of %i, %i are inspected', async (count, expected) => {
    const { images, asked } = inspecting();
    const pod = crashLoopingPod('a', { images: named(count) });
    expect(await images.inspect(pod, policy({}), signal)).toHaveProperty('size', expected);
    expect(asked).toHaveLength(expected);
  });

  test('I5 an image that the policy overrides is not inspected, and pull secrets are not read for it', async () => {
    const { images, asked, named: read } = inspecting();
    const governing = policy({ images: [{ match: 'registry.test/*', platforms: ['linux/amd64'] }] });
    const pod = crashLoopingPod('a', { pullSecrets: ['a'] });
    expect([(await images.inspect(pod, governing, signal)).size, asked, read]).toEqual([0, [], []]);
  });

  test('I5 images are inspected with the pod’s pull secrets and background priority', async () => {
    const secrets = [new PullSecretContent('shop', 'kubernetes.io/dockercfg', '{}')];
    const { images, asked, named: read } = inspecting({ found: { secrets, complete: true } });
    const pod = crashLoopingPod('a', { pullSecrets: ['b', 'a'] });
    await images.inspect(pod, policy({}), signal);
    expect(read).toEqual(['shop/b', 'shop/a']);
    expect(asked).toMatchObject([{ pullSecrets: secrets, priority: 'background' }]);
  });

  test('cached pull secrets need no wait', async () => {
    const { images, asked, named: read } = inspecting({ isCached: true });
    await images.inspect(crashLoopingPod('a', { pullSecrets: ['a'] }), policy({}), signal);
    expect([asked.length, read]).toEqual([1, []]);
  });

  test('a read of pull secrets that hangs ends with the budget, and the images are inspected without them', async () => {
    const { images, asked, clock } = inspecting({ readHangs: true });
    const inspected = images.inspect(crashLoopingPod('a', { pullSecrets: ['a'] }), policy({}), signal);
    await clock.advance(399);
    expect(asked).toEqual([]);
    await clock.advance(1);
    expect(asked).toMatchObject([{ pullSecrets: [] }]);
    await inspected;
  });

  test('I4 without all pull secrets, a rejection is not final', async () => {
    const answer: Inspection = { kind: 'unresolved', reason: 'Unauthorized' };
    const pod = crashLoopingPod('a');
    const of = async (complete: boolean): Promise<readonly Inspection[]> => {
      const { images } = inspecting({ answer, found: { secrets: [], complete } });
      return [...(await images.inspect(pod, policy({}), signal)).values()];
    };
    expect(await of(true)).toEqual([answer]);
    expect(await of(false)).toEqual([{ kind: 'unresolved', reason: 'Deadline' }]);
  });
});
