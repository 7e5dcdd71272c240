import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { describeParseError, isParseError, parseJson } from './index.ts';

describe('parseJson', () => {
  test.each([
    ['{"a": [1, null]}', { kind: 'ok', value: { a: [1, null] } }],
    ['', { kind: 'failed', failure: 'syntax error' }],
    ['secret', { kind: 'failed', failure: 'syntax error' }],
    ['{"a": "secret" "b": 1}', { kind: 'failed', failure: 'syntax error at line 1, column 16' }],
    ['{"a":\n  "secret"', { kind: 'failed', failure: 'syntax error at line 2, column 11' }],
  ])('%j', (text, expected) => {
    expect(parseJson(text)).toEqual(expected);
  });

  test('P5 does not quote the text in a failure', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.constantFrom('', 'Q', '"Q', 'Q"', '{Q'), (json, at, added) => {
        const cut = at % (json.length + 1);
        const parse = parseJson(`${json.slice(0, cut)}${added}${json.slice(cut + 1)}`);
        if (parse.kind === 'failed') {
          expect(parse.failure).toMatch(/^syntax error(?: at line \d+, column \d+)?$/);
        }
      }),
    );
  });
});

describe('describeParseError', () => {
  const named = (name: string, fields: object, message = 'secret'): Error =>
    Object.assign(new Error(message), { name, ...fields });
  test.each<[string, unknown, string, boolean]>([
    [
      'of the package yaml',
      named('YAMLParseError', { code: 'BAD_INDENT', linePos: [{ line: 3, col: 5 }] }),
      'syntax error at line 3, column 5 (BAD_INDENT)',
      true,
    ],
    ['of js-yaml', named('YAMLException', { mark: { line: 2, column: 4 } }), 'syntax error at line 3, column 5', true],
    ['an unresolved alias', named('ReferenceError', {}, 'Unresolved alias (…): secret'), 'syntax error', true],
    ['an invalid code', named('SyntaxError', { code: 'secret here' }), 'syntax error', true],
    [
      'a URL',
      named('TypeError', { code: 'ERR_INVALID_URL', input: 'secret' }),
      'syntax error (ERR_INVALID_URL)',
      false,
    ],
    ['another error', new RangeError('secret'), 'syntax error', false],
    ['no error', 'secret', 'syntax error', false],
    ['nothing', undefined, 'syntax error', false],
  ])('P5 %s', (_, error, expected, isParse) => {
    expect(describeParseError(error)).toBe(expected);
    expect(isParseError(error)).toBe(isParse);
  });
});
