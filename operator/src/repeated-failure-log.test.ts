import { expect, test } from '@jest/globals';
import { errorKind, RepeatedFailureLog } from './repeated-failure-log.ts';

test('a repeated failure is logged once, each different one again, and its end', () => {
  const lines: unknown[] = [];
  const log = (fields: unknown, message: unknown): void => void lines.push([fields, message]);
  const failures = new RepeatedFailureLog({ warn: log, info: log });
  failures.succeeded('works again');
  for (let attempt = 1; attempt <= 3; attempt += 1) failures.failed('403', { attempt }, 'failed');
  failures.failed('404', { attempt: 4 }, 'failed');
  failures.succeeded('works again');
  failures.succeeded('works again');
  failures.failed('404', { attempt: 5 }, 'failed');
  expect(lines).toEqual([
    [{ attempt: 1 }, 'failed'],
    [{ attempt: 4 }, 'failed'],
    [{}, 'works again'],
    [{ attempt: 5 }, 'failed'],
  ]);
});

test.each([
  [Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' }), 'Error ECONNREFUSED'],
  [new TypeError('no object'), 'TypeError no object'],
  ['text', 'unknown'],
])('the kind of the error %p', (error, kind) => {
  expect(errorKind(error)).toBe(kind);
});
