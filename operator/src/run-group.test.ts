import { describe, expect, test } from '@jest/globals';
import { together } from './run-group.ts';

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      setImmediate(resolve);
    });
  });

describe('the parts of a term', () => {
  test('P3 the first failure ends the others, and is told when they have ended', async () => {
    const ended: string[] = [];
    const other = async (signal: AbortSignal): Promise<void> => {
      await untilAborted(signal);
      ended.push('other');
      throw new Error('second');
    };
    const failing = (): Promise<void> => Promise.reject(new Error('first'));
    await expect(together([{ run: other }, { run: failing }], new AbortController().signal)).rejects.toThrow('first');
    expect(ended).toEqual(['other']);
  });

  test('P3 they end with their signal', async () => {
    const end = new AbortController();
    const running = together([{ run: untilAborted }, { run: untilAborted }], end.signal);
    end.abort();
    await expect(running).resolves.toBeUndefined();
  });
});
