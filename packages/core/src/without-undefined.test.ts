import { expect, test } from '@jest/globals';
import { withoutUndefined } from './without-undefined.ts';

interface Target {
  readonly kind: 'pod' | 'node';
  readonly name: string;
  readonly namespace?: string;
  readonly seconds?: number;
}

const getNamespace = (name: string): string | undefined => (name === 'node' ? undefined : 'shop');

test.each([
  [{ a: undefined, b: 1 }, { b: 1 }],
  [
    { a: null, b: 0, c: '', d: false },
    { a: null, b: 0, c: '', d: false },
  ],
  [{}, {}],
  [{ a: { b: undefined } }, { a: { b: undefined } }],
])('%j without its undefined fields', (fields, expected) => {
  expect(withoutUndefined(fields)).toStrictEqual(expected);
});

test('the result has optional fields where the argument had undefined ones', () => {
  const target: Target = withoutUndefined({ kind: 'pod', name: 'a', namespace: getNamespace('a') });
  expect(target).toStrictEqual({ kind: 'pod', name: 'a', namespace: 'shop' });
  // @ts-expect-error -- a field that can be undefined is not a required one
  const nameless: Target = withoutUndefined({ kind: 'node', name: getNamespace('node') });
  expect(nameless).toStrictEqual({ kind: 'node' });
  // @ts-expect-error -- a field of another type
  const mistyped: Target = withoutUndefined({ kind: 'node', name: 'a', seconds: getNamespace('node') });
  expect(mistyped).toStrictEqual({ kind: 'node', name: 'a' });
});
