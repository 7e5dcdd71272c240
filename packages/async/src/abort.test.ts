import { describe, expect, test } from '@jest/globals';
import { aborted, onAbort, waitUnlessAborted } from './abort.ts';

describe('a listener for an abort', () => {
  test('is called once, immediately when the signal has aborted', () => {
    const controller = new AbortController();
    const calls: string[] = [];
    onAbort(controller.signal, () => calls.push('during'));
    const remove = onAbort(controller.signal, () => calls.push('removed'));
    remove();
    controller.abort();
    onAbort(controller.signal, () => calls.push('after'))();
    expect(calls).toEqual(['during', 'after']);
  });

  test('`aborted` resolves with the abort, or immediately', async () => {
    const controller = new AbortController();
    let isAborted = false;
    const waiting = aborted(controller.signal).then(() => (isAborted = true));
    await Promise.resolve();
    expect(isAborted).toBe(false);
    controller.abort();
    await waiting;
    await aborted(controller.signal);
    expect(isAborted).toBe(true);
  });
});

describe('waiting for shared work', () => {
  const never = new Promise<never>(() => undefined);

  test('returns its value, and throws its error', async () => {
    const { signal } = new AbortController();
    expect(await waitUnlessAborted(Promise.resolve(7), signal)).toEqual({ kind: 'done', value: 7 });
    await expect(waitUnlessAborted(Promise.reject(new Error('no')), signal)).rejects.toThrow('no');
  });

  test('ends with the signal, before and during; a later failure of the work is handled', async () => {
    const controller = new AbortController();
    let fail: (error: Error) => void = () => undefined;
    const work = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const waiting = waitUnlessAborted(work, controller.signal);
    controller.abort();
    expect(await waiting).toEqual({ kind: 'aborted' });
    expect(await waitUnlessAborted(never, controller.signal)).toEqual({ kind: 'aborted' });
    fail(new Error('nothing waits for it'));
  });

  test('a result that is there already counts, even if the signal has aborted', async () => {
    const ended = AbortSignal.abort();
    expect(await waitUnlessAborted(Promise.resolve(7), ended)).toEqual({ kind: 'done', value: 7 });
    await expect(waitUnlessAborted(Promise.reject(new Error('no')), ended)).rejects.toThrow('no');
  });
});
