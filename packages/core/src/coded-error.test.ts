import { expect, test } from '@jest/globals';
import { CodedError, errorCode } from './coded-error.ts';

class LeaseError extends CodedError<'LeaseLost'> {
  override readonly name = 'LeaseError';
}

test('a coded error has its code, name and cause', () => {
  const cause = new Error('reset');
  const error = new LeaseError('LeaseLost', 'another process leads', { cause });
  expect(error).toMatchObject({ name: 'LeaseError', code: 'LeaseLost', message: 'another process leads', cause });
  expect(String(error)).toBe('LeaseError: another process leads');
  expect('cause' in new LeaseError('LeaseLost', 'another process leads')).toBe(false);
});

test.each<[unknown, string | undefined]>([
  [new LeaseError('LeaseLost', ''), 'LeaseLost'],
  [Object.assign(new Error('no such file'), { code: 'ENOENT' }), 'ENOENT'],
  [{ code: 'ERR_BUFFER_TOO_LARGE' }, 'ERR_BUFFER_TOO_LARGE'],
  [Object.assign(new Error('exit'), { code: 1 }), undefined],
  [new Error('ENOENT'), undefined],
  ['ENOENT', undefined],
  [null, undefined],
  [undefined, undefined],
])('the code of %p is %p', (error, code) => {
  expect(errorCode(error)).toBe(code);
});
