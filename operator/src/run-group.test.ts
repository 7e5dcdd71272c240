import { describe, expect, test } from '@jest/globals';
import { runGroup } from './run-group.ts';

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      setImmediate(resolve);
    });
  });

describe('a run group', () => {
  test('P3 rejects with the first failure, after the others have ended', async () => {
    const ended: string[] = [];
    const other = async (signal: AbortSignal): Promise<void> => {
      await untilAborted(signal);
      ended.push('other');
      throw new Error('second');
    };
    const failing = (): Promise<void> => Promise.reject(new Error('first'));
    await expect(runGroup([{ run: other }, { run: failing }], new AbortController().signal)).rejects.toThrow('first');
    expect(ended).toEqual(['other']);
  });

  test('P3 ends with its signal', async () => {
    const end = new AbortController();
    const running = runGroup([{ run: untilAborted }, { run: untilAborted }], end.signal);
    end.abort();
    await expect(running).resolves.toBeUndefined();
  });
});
