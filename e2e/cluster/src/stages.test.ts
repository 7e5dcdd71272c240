import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { expand, renderStages } from './stages.ts';

describe('stages of kwok', () => {
  test('are YAML documents of kind Stage with unique names, fully expanded', async () => {
    const text = await renderStages();
    const documents = parseAllDocuments(text);
    const stages = documents.map((document) => document.toJS() as { kind: string; metadata: { name: string } });
    expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
    expect(new Set(stages.map(({ kind }) => kind))).toEqual(new Set(['Stage']));
    expect(new Set(stages.map(({ metadata }) => metadata.name)).size).toBe(stages.length);
    expect(text).not.toMatch(/\$\{|# include:/);
  });

  test('include a fragment at the indentation of the including line', () => {
    const fragments = new Map([['a.gotpl', 'one:\n  two']]);
    expect(expand('text: |\n    # include: a\n    three', fragments)).toBe('text: |\n    one:\n      two\n    three');
  });

  test('include an expression as one line, quoted for YAML', () => {
    const fragments = new Map([['e.jq', ".a\n  | .b == 'c'\n"]]);
    expect(expand("key: '${e} | tostring'", fragments)).toBe("key: '.a | .b == ''c'' | tostring'");
  });

  test('are rejected if a fragment is missing', () => {
    expect(() => expand('# include: nope', new Map())).toThrow(/nope/);
  });
});
