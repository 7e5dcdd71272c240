import { describe, expect, test } from '@jest/globals';
import { ChallengeDiscovery } from './challenge-discovery.ts';

const ORIGIN = 'https://registry.example';
const { signal } = new AbortController();

/** A clock whose waits the test ends. */
const start = () => {
  const sleeping: (() => void)[] = [];
  const waits: AbortSignal[] = [];
  const discovery = new ChallengeDiscovery({
    sleep: (_, until) => {
      if (until !== undefined) waits.push(until);
      return new Promise((resolve) => sleeping.push(resolve));
    },
  });
  const wakeAll = (): void => {
    for (const wake of sleeping.splice(0)) wake();
  };
  return { discovery, waits, wakeAll };
};

const settled = async (promise: Promise<unknown>): Promise<boolean> => {
  let isSettled = false;
  void promise.finally(() => (isSettled = true));
  await new Promise(setImmediate);
  return isSettled;
};

describe('I6 the first request to a registry', () => {
  test('I6 delays other requests until it has a response, and leaves no timer', async () => {
    const { discovery, waits } = start();
    const end = await discovery.enter(ORIGIN, signal);
    const other = discovery.enter(ORIGIN, signal);
    expect(await settled(other)).toBe(false);
    end?.(true);
    expect(await other).toBeUndefined();
    expect(waits.map(({ aborted }) => aborted)).toEqual([true]);
  });

  test('I6 after a response, no request to that registry waits', async () => {
    const { discovery, waits } = start();
    (await discovery.enter(ORIGIN, signal))?.(true);
    expect(await discovery.enter(ORIGIN, signal)).toBeUndefined();
    expect(waits).toEqual([]);
  });

  test('I6 delays other requests only for a bounded time when it hangs', async () => {
    const { discovery, wakeAll } = start();
    await discovery.enter(ORIGIN, signal);
    const other = discovery.enter(ORIGIN, signal);
    expect(await settled(other)).toBe(false);
    wakeAll();
    expect(await other).toBeUndefined();
  });

  test('I6 is repeated by the next request if it failed', async () => {
    const { discovery } = start();
    (await discovery.enter(ORIGIN, signal))?.(false);
    expect(await discovery.enter(ORIGIN, signal)).toBeDefined();
  });

  test('I6 does not delay requests to another registry', async () => {
    const { discovery } = start();
    await discovery.enter(ORIGIN, signal);
    expect(await discovery.enter('https://other.example', signal)).toBeDefined();
  });
});
