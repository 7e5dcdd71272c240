import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import rfc6902 from 'rfc6902';
import type { Json } from '../json/json.ts';
import type { JsonPatchOperation } from './json-patch.ts';
import { applyPatch, jsonEqual, pointer, pointerTokens } from './json-patch.ts';

const document: Json = { a: { b: [1, 2, { c: null }] }, 'x/y': { 'm~n': 1 }, '': 0 };

describe('pointers', () => {
  test.each<[readonly (string | number)[], string]>([
    [[], ''],
    [['spec', 'containers', 0], '/spec/containers/0'],
    [['archpolicy.dev/decision'], '/archpolicy.dev~1decision'],
    [['a~b', ''], '/a~0b/'],
    [['~1'], '/~01'],
  ])('PL11 %j parses to %j', (tokens, path) => {
    expect(pointer(...tokens)).toBe(path);
    expect(pointerTokens(path)).toEqual(tokens.map(String));
  });

  test.each(['a', '/a~', '/a~2'])('PL11 %j is not a pointer', (path) => {
    expect(pointerTokens(path)).toBeUndefined();
  });

  test('PL11 formatting and parsing a list of tokens are inverse', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (tokens) => {
        expect(pointerTokens(pointer(...tokens))).toEqual(tokens);
      }),
    );
  });
});

describe('applyPatch', () => {
  test.each<[string, JsonPatchOperation, Json]>([
    ['adds a field', { op: 'add', path: '/a/d', value: 1 }, { ...document, a: { b: [1, 2, { c: null }], d: 1 } }],
    ['replaces a field by add', { op: 'add', path: '/x~1y', value: 1 }, { ...document, 'x/y': 1 }],
    ['inserts an element', { op: 'add', path: '/a/b/0', value: 0 }, { ...document, a: { b: [0, 1, 2, { c: null }] } }],
    [
      'appends after the last element',
      { op: 'add', path: '/a/b/3', value: 0 },
      { ...document, a: { b: [1, 2, { c: null }, 0] } },
    ],
    ['appends at the end', { op: 'add', path: '/a/b/-', value: 0 }, { ...document, a: { b: [1, 2, { c: null }, 0] } }],
    ['does not append beyond the end', { op: 'add', path: '/a/b/4', value: 0 }, 'refused'],
    ['does not create parents', { op: 'add', path: '/n/o', value: 0 }, 'refused'],
    ['does not add to a number', { op: 'add', path: '/a/b/0/c', value: 0 }, 'refused'],
    ['does not add to null', { op: 'add', path: '/a/b/2/c/d', value: 0 }, 'refused'],
    ['rejects an index with leading zeros', { op: 'add', path: '/a/b/01', value: 0 }, 'refused'],
    ['removes a field', { op: 'remove', path: '/x~1y/m~0n' }, { ...document, 'x/y': {} }],
    ['removes an element', { op: 'remove', path: '/a/b/1' }, { ...document, a: { b: [1, { c: null }] } }],
    ['does not remove an absent field', { op: 'remove', path: '/a/z' }, 'refused'],
    ['does not remove an inherited field', { op: 'remove', path: '/a/constructor' }, 'refused'],
    ['does not remove after the last element', { op: 'remove', path: '/a/b/3' }, 'refused'],
    ['does not remove the document', { op: 'remove', path: '' }, 'refused'],
    ['replaces a field', { op: 'replace', path: '/a', value: 1 }, { ...document, a: 1 }],
    ['replaces an element', { op: 'replace', path: '/a/b/2/c', value: 1 }, { ...document, a: { b: [1, 2, { c: 1 }] } }],
    ['does not replace an absent field', { op: 'replace', path: '/z', value: 1 }, 'refused'],
    ['replaces the document', { op: 'replace', path: '', value: 1 }, 1],
    ['passes a test', { op: 'test', path: '/a/b', value: [1, 2, { c: null }] }, document],
    ['fails a test', { op: 'test', path: '/a/b', value: [1, 2] }, 'refused'],
    ['passes the test of an element', { op: 'test', path: '/a/b/1', value: 2 }, document],
    ['fails the test of the document', { op: 'test', path: '', value: {} }, 'refused'],
    ['does not follow inherited fields', { op: 'add', path: '/a/constructor/x', value: 1 }, 'refused'],
    ['does not follow an absent element', { op: 'add', path: '/a/b/3/x', value: 1 }, 'refused'],
    ['does not follow an absent field of an element', { op: 'add', path: '/a/b/2/d/e', value: 1 }, 'refused'],
    ['rejects a path that is not a pointer', { op: 'add', path: 'a', value: 1 }, 'refused'],
    ['tests an element', { op: 'test', path: '/a/b/1', value: 3 }, 'refused'],
    ['tests the document', { op: 'test', path: '', value: document }, document],
    [
      'adds a field named __proto__',
      { op: 'add', path: '/x~1y/__proto__', value: 1 },
      JSON.parse('{"a":{"b":[1,2,{"c":null}]},"x/y":{"m~n":1,"__proto__":1},"":0}') as Json,
    ],
  ])('PL11 %s', (_, operation, expected) => {
    const applied = applyPatch(document, [operation]);
    expect(applied).toEqual(expected === 'refused' ? { kind: 'refused', at: 0 } : { kind: 'applied', value: expected });
  });

  test('PL11 the first operation that fails rejects the patch, and the document is unchanged', () => {
    const before = JSON.stringify(document);
    const patch: JsonPatchOperation[] = [
      { op: 'remove', path: '/a' },
      { op: 'remove', path: '/a' },
    ];
    expect(applyPatch(document, patch)).toEqual({ kind: 'refused', at: 1 });
    expect(JSON.stringify(document)).toBe(before);
  });

  test('PL11 unchanged parts are shared, so that a large pod is not copied', () => {
    const large = { spec: { containers: [{ name: 'c' }], tolerations: [] }, metadata: {} };
    const applied = applyPatch(large, [{ op: 'add', path: '/spec/tolerations/-', value: 1 }]);
    const value = applied.kind === 'applied' ? (applied.value as typeof large) : large;
    expect(value.spec.containers).toBe(large.spec.containers);
    expect(value.metadata).toBe(large.metadata);
  });

  test('PL11 the results equal those of the reference implementation', () => {
    // As text, like the API server: JSON has no `-0`, and the comparison below distinguishes it from 0.
    const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as Json);
    const key = fc.constantFrom('a', 'b', '0', '1', '-', 'c/d', '~');
    const path = fc.array(key, { minLength: 1, maxLength: 3 }).map((tokens) => pointer(...tokens));
    const operation: fc.Arbitrary<JsonPatchOperation> = fc.oneof(
      fc.record({ op: fc.constantFrom('add', 'replace', 'test'), path, value: json }),
      fc.record({ op: fc.constant('remove'), path }),
    );
    const root = fc.letrec<{ tree: Json }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(1, 'x', null),
        fc.dictionary(fc.constantFrom('a', 'b', '0', 'c/d', '~'), tie('tree')),
        fc.array(tie('tree'), { maxLength: 2 }),
      ),
    })).tree;
    fc.assert(
      fc.property(root, fc.array(operation, { maxLength: 4 }), (tree, patch) => {
        const prefixed = patch.map((one) => ({ ...one, path: `/root${one.path}` }));
        const result = applyPatch({ root: tree }, prefixed);
        // The reference is more lenient: it sets fields of strings, and continues after a failure.
        if (result.kind === 'refused') return;
        const theirs = { root: overTheWire(tree) };
        rfc6902.applyPatch(theirs, overTheWire(prefixed) as Parameters<typeof rfc6902.applyPatch>[1]);
        expect(result.value).toEqual(theirs);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('jsonEqual', () => {
  test.each<[Json, Json, boolean]>([
    [{ a: 1, b: [1] }, { b: [1], a: 1 }, true],
    [[1, 2], [2, 1], false],
    [[1], [1, 2], false],
    [[1, 2], [1, 3], false],
    [{ a: 1 }, { a: 1, b: 1 }, false],
    [{ a: null }, { b: null }, false],
    [null, {}, false],
    [[], {}, false],
    ['1', 1, false],
  ])('PL2 %j and %j: %j', (one, other, expected) => {
    expect(jsonEqual(one, other)).toBe(expected);
    expect(jsonEqual(other, one)).toBe(expected);
  });
});

function overTheWire(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

test.each<[string, JsonPatchOperation, Json | undefined]>([
  ['replaces an element', { op: 'replace', path: '/0', value: 7 }, [7, 2]],
  ['does not follow a prototype', { op: 'add', path: '/0/__proto__/a', value: 7 }, undefined],
])('PL11 a patch %s', (_, operation, expected) => {
  const list: Json = [{ a: 1 }, 2];
  const applied = applyPatch(list, [operation]);
  expect(applied.kind === 'applied' ? applied.value : undefined).toEqual(expected);
});
