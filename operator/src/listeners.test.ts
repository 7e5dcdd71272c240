import { expect, test } from '@jest/globals';
import { Listeners } from './listeners.ts';

test('notifies each subscription until it is unsubscribed', () => {
  const listeners = new Listeners<string>();
  const received: string[] = [];
  const one = (value: string): void => {
    received.push(`one ${value}`);
  };
  const ends = [listeners.subscribe(one), listeners.subscribe(one)];
  listeners.subscribe((value) => received.push(`other ${value}`));
  listeners.notify('a');
  ends[0]?.();
  listeners.notify('b');
  ends[1]?.();
  listeners.notify('c');
  expect(received).toEqual(['one a', 'one a', 'other a', 'one b', 'other b', 'other c']);
});
