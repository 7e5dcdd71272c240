import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { World } from '../fixtures/world.ts';

describe('concurrent evictions', () => {
  test('R6 two pods of one owner whose evictions are due at the same time reserve one slot, not two', async () => {
    const world = new World(new FakeClock());
    for (const name of ['a', 'b']) world.add(name);
    await Promise.all(['shop/a', 'shop/b'].map((key) => world.evict(key)));
    expect(world.evictions.map(({ name }) => name)).toEqual(['a']);
    expect(world.getReason('b')).toBe('OwnerLimit');
  });
});
