import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Json } from '@archpolicy/core';
import { ItemSplitter } from './item-splitter.ts';

/** Splits a text that arrives in chunks of these sizes. */
function split(
  text: string,
  sizes: readonly number[] = [],
): { readonly items: readonly Json[]; readonly envelope: Json } {
  const items: Json[] = [];
  const splitter = new ItemSplitter((item) => items.push(item));
  const bytes = Buffer.from(text, 'utf8');
  let start = 0;
  for (const size of sizes) {
    splitter.push(bytes.subarray(start, start + size));
    start += size;
  }
  splitter.push(bytes.subarray(start));
  return { items, envelope: splitter.end() };
}

describe('the item splitter', () => {
  test('emits the items that JSON.parse returns, for any chunk boundaries and layout', () => {
    const item = fc
      .dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 4 }))
      .map((object) => object as Json);
    const list = fc.record({
      items: fc.array(item, { maxLength: 5 }),
      indent: fc.constantFrom(0, 1),
      last: fc.boolean(),
    });
    fc.assert(
      fc.property(list, fc.array(fc.nat(12)), ({ items, indent, last }, sizes) => {
        const metadata = { resourceVersion: '7', continue: 'items' };
        const whole = last ? { kind: 'items', metadata, items } : { items, kind: 'List', metadata };
        const result = split(JSON.stringify(whole, undefined, indent), sizes);
        expect(result.items).toEqual(JSON.parse(JSON.stringify(items)));
        expect(result.envelope).toEqual({ ...whole, items: [] });
      }),
      { numRuns: 300 },
    );
  });

  test('drops managed fields, for any chunk boundaries', () => {
    const managedFields = [{ manager: 'kubelet', fieldsV1: { 'f:status': { '}]"\\': {} } } }, []];
    const item = {
      metadata: { name: 'a', managedFields, labels: { managedFields: 'x' } },
      managedFields: [1],
      spec: { metadata: { managedFields: [2] } },
    };
    const expected = { ...item, metadata: { ...item.metadata, managedFields: 0 } };
    const text = JSON.stringify({ kind: 'PodList', items: [item, item] });
    for (let size = 1; size <= text.length; size += 1) {
      expect(
        split(
          text,
          Array.from({ length: Math.ceil(text.length / size) }, () => size),
        ).items,
      ).toEqual([expected, expected]);
    }
  });

  test.each<[string, string, Json]>([
    ['no items', '{"kind":"List","items":[]}', { kind: 'List', items: [] }],
    ['items that are null', '{"kind":"List","items":null}', { kind: 'List', items: null }],
    ['items that are not a list', '{"items":{"items":[{"a":1}]}}', { items: { items: [{ a: 1 }] } }],
    ['nested items', '{"metadata":{"items":[{"a":1}]}}', { metadata: { items: [{ a: 1 }] } }],
    [
      'items that are not objects',
      '{"items":[1,"x",[{"a":1}],null,[[[[[1]]]]],["metadata",{"managedFields":[[1]]}]]}',
      { items: [] },
    ],
    ['not a list', '"nothing"', 'nothing'],
  ])('emits nothing: %s', (_, text, envelope) => {
    expect(split(text)).toEqual({ items: [], envelope });
  });

  test.each<[string, string]>([
    ['truncated', '{"items":[{"a":1},{"b"'],
    ['truncated in a string', '{"items":[],"kind":"Li'],
    ['an unmatched bracket', '{"items":[]}}'],
    ['mismatched brackets', '{"items":[{"a":1]]}'],
    ['an item that is not JSON', '{"items":[{a:1}]}'],
    ['an envelope that is not JSON', '{"items":[{"a":1}],}'],
    ['empty', ''],
  ])('throws Malformed: %s', (_, text) => {
    expect(() => split(text)).toThrow(expect.objectContaining({ code: 'Malformed' }));
  });

  test('limits the size of an item and of the rest of the list', () => {
    const long = 'x'.repeat(1024 * 1024);
    expect(split(`{"items":[{"a":"${long.repeat(7)}"}]}`).items).toHaveLength(1);
    expect(() => split(`{"items":[{"a":"${long.repeat(8)}"}]}`)).toThrow(expect.objectContaining({ code: 'TooLarge' }));
    expect(() => split(`{"kind":"${long}","items":[]}`)).toThrow(expect.objectContaining({ code: 'TooLarge' }));
  });
});
