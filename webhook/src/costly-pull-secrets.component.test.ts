import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { systemClock } from '@archpolicy/async';
import { costlyPullSecrets, createWorld } from '@archpolicy/testkit';
import type { World } from '@archpolicy/testkit';
import { container, pod } from './fixtures/reviews.ts';
import { RunningWebhook } from './fixtures/running-webhook.ts';

/** 256 images × (64 wildcard hosts of 16 labels + 256 paths): docs/registries.md. */
const MOST_COMPARISONS = 327_680;

// A complete webhook on a loaded machine.
jest.setTimeout(60_000);

let world: World;
let webhook: RunningWebhook;

beforeEach(async () => {
  world = await createWorld();
  webhook = await RunningWebhook.start(world, { ARCHPOLICY_INSPECTION_BUDGET: '1500ms' }, systemClock());
});

afterEach(async () => {
  await webhook.stop();
  await world.end();
});

async function comparisons(): Promise<number> {
  const { text } = await webhook.get('/metrics');
  const [, count] = /^archpolicy_credential_comparisons_total (\d+)$/m.exec(text) ?? [];
  return Number(count);
}

describe('a pod of 256 images', () => {
  test.each(costlyPullSecrets())(
    'P8 with a pull secret of 256 keys, $name, costs a bounded number of comparisons',
    async ({ auths, images }) => {
      world.putPullSecret('shop', 'costly', auths);
      const containers = images.map((image, index) => container(image, `c${index}`));
      const object = pod({ containers, imagePullSecrets: [{ name: 'costly' }] });
      for (const round of ['cold', 'again']) {
        const before = await comparisons();
        const { allowed } = await webhook.sendReview(object, { dryRun: true });
        const count = (await comparisons()) - before;
        expect({ round, allowed, count }).toEqual({ round, allowed: true, count: expect.any(Number) });
        expect(count).toBeGreaterThan(0);
        expect(count).toBeLessThanOrEqual(MOST_COMPARISONS);
      }
    },
  );
});
