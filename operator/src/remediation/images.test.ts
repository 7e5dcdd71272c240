import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { InspectedImages } from './images.ts';
import { policy, resolved, World } from './testing/world.ts';

const signal = new AbortController().signal;

function inspecting(): { readonly images: InspectedImages; readonly asked: { reference: string; budgetMs: number }[] } {
  const asked: { reference: string; budgetMs: number }[] = [];
  const inspect = (request: { reference: string; budgetMs: number }): Promise<ReturnType<typeof resolved>> => {
    asked.push(request);
    return Promise.resolve(resolved('linux/arm64'));
  };
  return { images: new InspectedImages({ inspect }), asked };
}

const named = (count: number): string[] => Array.from({ length: count }, (_, index) => `registry.test/web:v${index}`);

describe('the images of a pod', () => {
  test('no worker waits long for a slow registry', async () => {
    const { images, asked } = inspecting();
    await images.of(new World(new FakeClock()).pod('a'), policy({}), signal);
    expect(asked.map(({ reference }) => reference)).toEqual(['registry.test/web:v1']);
    expect(asked[0]?.budgetMs).toBeLessThanOrEqual(400);
  });

  test.each([
    [256, 256],
    [257, 0],
  ])('of %i, %i are asked about', async (count, expected) => {
    const { images, asked } = inspecting();
    const pod = new World(new FakeClock()).pod('a', { images: named(count) });
    const known = [...(await images.of(pod, policy({}), signal)).values()];
    expect(known.filter(({ kind }) => kind === 'resolved')).toHaveLength(expected);
    const refused = known.flatMap((one) => (one.kind === 'unresolved' ? [one.reason] : []));
    expect(new Set(refused)).toEqual(new Set(expected === 0 ? ['TooLarge'] : []));
    expect(asked).toHaveLength(expected);
  });

  test('what the policy says of an image is not asked about', async () => {
    const { images, asked } = inspecting();
    const governing = policy({ images: [{ match: 'registry.test/*', platforms: ['linux/amd64'] }] });
    const known = await images.of(new World(new FakeClock()).pod('a'), governing, signal);
    expect([known.get('registry.test/web:v1')?.kind, asked]).toEqual(['resolved', []]);
  });
});
