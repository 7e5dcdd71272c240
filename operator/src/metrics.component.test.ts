import { expect, jest, test } from '@jest/globals';
import { systemClock } from '@archpolicy/async';
import { compareWithMetricsPage, createWorld } from '@archpolicy/testkit';
import { runOperator } from './app.ts';

// Real sockets on a loaded machine.
jest.setTimeout(60_000);

const POLL_MS = 20;

test('serves the metrics of docs/operations.md, and no others', async () => {
  const world = await createWorld();
  const end = new AbortController();
  const env = {
    ...world.env,
    ARCHPOLICY_REDIS_URL: 'redis://127.0.0.1:1',
    ARCHPOLICY_CACHE_KEY: 'a key of at least thirty-two characters',
  };
  const running = runOperator({ env, signal: end.signal, clock: systemClock() });
  const read = async (): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${world.opsPort}/metrics`).catch(() => undefined);
    return (await response?.text()) ?? '';
  };
  try {
    let text = await read();
    while (!text.includes('archpolicy_leader 1')) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      text = await read();
    }
    expect(compareWithMetricsPage('operator', text)).toEqual([]);
  } finally {
    end.abort();
    await running;
    await world.end();
  }
});
