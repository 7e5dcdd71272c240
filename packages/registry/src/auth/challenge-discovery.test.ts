import { describe, expect, test } from '@jest/globals';
import { ChallengeDiscovery } from './challenge-discovery.ts';

const ORIGIN = 'https://registry.example';
const { signal } = new AbortController();

/** A clock whose waits end when told. */
const start = () => {
  const sleeping: (() => void)[] = [];
  const waits: AbortSignal[] = [];
  const contacts = new ChallengeDiscovery({
    sleep: (_, until) => {
      if (until !== undefined) waits.push(until);
      return new Promise((resolve) => sleeping.push(resolve));
    },
  });
  const wakeAll = (): void => {
    for (const wake of sleeping.splice(0)) wake();
  };
  return { contacts, waits, wakeAll };
};

const settled = async (promise: Promise<unknown>): Promise<boolean> => {
  let isSettled = false;
  void promise.finally(() => (isSettled = true));
  await new Promise(setImmediate);
  return isSettled;
};

describe('I6 the first request to a registry', () => {
  test('I6 others wait until it has been answered, and no timer is left', async () => {
    const { contacts, waits } = start();
    const end = await contacts.enter(ORIGIN, signal);
    const other = contacts.enter(ORIGIN, signal);
    expect(await settled(other)).toBe(false);
    end?.(true);
    expect(await other).toBeUndefined();
    expect(waits.map(({ aborted }) => aborted)).toEqual([true]);
  });

  test('I6 a registry that has answered once is never waited for again', async () => {
    const { contacts, waits } = start();
    (await contacts.enter(ORIGIN, signal))?.(true);
    expect(await contacts.enter(ORIGIN, signal)).toBeUndefined();
    expect(waits).toEqual([]);
  });

  test('I6 one that hangs holds up the others for a while only', async () => {
    const { contacts, wakeAll } = start();
    await contacts.enter(ORIGIN, signal);
    const other = contacts.enter(ORIGIN, signal);
    expect(await settled(other)).toBe(false);
    wakeAll();
    expect(await other).toBeUndefined();
  });

  test('I6 after one that was not answered the next one is the first', async () => {
    const { contacts } = start();
    (await contacts.enter(ORIGIN, signal))?.(false);
    expect(await contacts.enter(ORIGIN, signal)).toBeDefined();
  });

  test('I6 at another registry nobody waits', async () => {
    const { contacts } = start();
    await contacts.enter(ORIGIN, signal);
    expect(await contacts.enter('https://other.example', signal)).toBeDefined();
  });
});
