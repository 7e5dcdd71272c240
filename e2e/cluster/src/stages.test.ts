import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { expand, renderStages } from './stages.ts';

describe('the stages of kwok', () => {
  test('are YAML of one kind, with names of their own, and nothing of them is left to expand', async () => {
    const text = await renderStages();
    const documents = parseAllDocuments(text);
    const stages = documents.map((document) => document.toJS() as { kind: string; metadata: { name: string } });
    expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
    expect(new Set(stages.map(({ kind }) => kind))).toEqual(new Set(['Stage']));
    expect(new Set(stages.map(({ metadata }) => metadata.name)).size).toBe(stages.length);
    expect(text).not.toMatch(/\$\{|# include:/);
  });

  test('take a fragment in at the indentation of the line that names it', () => {
    const fragments = new Map([['a.gotpl', 'one:\n  two']]);
    expect(expand('text: |\n    # include: a\n    three', fragments)).toBe('text: |\n    one:\n      two\n    three');
  });

  test('take an expression in as one line, quoted for YAML', () => {
    const fragments = new Map([['e.jq', ".a\n  | .b == 'c'\n"]]);
    expect(expand("key: '${e} | tostring'", fragments)).toBe("key: '.a | .b == ''c'' | tostring'");
  });

  test('are refused when a fragment is missing', () => {
    expect(() => expand('# include: nope', new Map())).toThrow(/nope/);
  });
});
