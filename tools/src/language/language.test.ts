import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { compare, shrink } from './allowance.ts';
import { buildChecker, describeFinding } from './check.ts';
import { countWords, findHighRates, renderCounts } from './count.ts';
import { readGlossary } from './glossary.ts';

const GLOSSARY = `
# Words

| term | meaning | not in text | not in names |
| --- | --- | --- | --- |
| cache entry | A stored result. | \`flubber\`, \`on flub\` | \`grabFlub\` |
| single flight | One execution. | | \`blips\` |

| other | table | of words |
| --- | --- | --- |
| a | \`wibble\` | |
`;
const check = buildChecker(readGlossary(GLOSSARY));
const found = (file: string, text: string): readonly string[] =>
  check(file, text).map(({ line, found: word, instead }) => `${line} ${word} → ${instead}`);

describe('the language check refuses a banned word in', () => {
  test.each([
    ['an identifier', 'const maxFlubber = 1;', ['1 flubber (maxFlubber) → cache entry']],
    ['a private identifier', 'class A {\n  #flubber = 1;\n}', ['2 flubber (#flubber) → cache entry']],
    ['a constant', 'const MAX_FLUBBER = 1;', ['1 flubber (MAX_FLUBBER) → cache entry']],
    [
      'an identifier, as a phrase',
      'grabFlubOf(onFlub);',
      ['1 grab flub (grabFlubOf) → cache entry', '1 on flub (onFlub) → cache entry'],
    ],
    ['a comment', '/** Reads a\n * Flubber. */\nread();', ['2 flubber → cache entry']],
    ['a phrase over two lines of a comment', '// This is on\n// flub.', ['1 on flub → cache entry']],
    [
      'a comment after a template and a regular expression',
      'x(`a ${/"/.test(y)} b`); // flubber',
      ['1 flubber → cache entry'],
    ],
    ['a log message', "log.info('no flubber');", ['1 flubber → cache entry']],
    ['a template', 'throw new Error(`${name}: flubber\\nhere ${name}`);', ['1 flubber → cache entry']],
    ['a test title', "test('has no flubber', run);", ['1 flubber → cache entry']],
  ])('%s', (_where, code, expected) => {
    expect(found('a.ts', code)).toEqual(expected);
  });

  test.each([
    ['a description of a CRD', 'crds/a.yaml', 'description: |-\n  The\n  flubber.', ['3 flubber → cache entry']],
    ['a comment of YAML', 'a.yaml', 'a: 1\n# on\n# flub\n', ['2 on flub → cache entry']],
    ['help of the Makefile', 'Makefile', 'up: ## Start the flubber', ['1 flubber → cache entry']],
    ['a shell script', 'a.sh', '# flubber', ['1 flubber → cache entry']],
    [
      'a Markdown file',
      'docs/a.md',
      '# A\n\nThe flubber is\non\nflub.',
      ['3 flubber → cache entry', '4 on flub → cache entry'],
    ],
    ['the name of a file', 'src/flubber-cache.test.ts', '', ['1 flubber → cache entry']],
  ])('%s', (_where, file, text, expected) => {
    expect(found(file, text)).toEqual(expected);
  });
});

describe('the language check accepts', () => {
  test.each([
    ['a longer word', 'a.ts', '// flubbers'],
    ['a word of names in prose', 'a.md', 'It blips.'],
    ['a phrase that code interrupts', 'a.ts', '/* on */ call(); /* flub */'],
    ['a string without a space: a value, not a message', 'a.ts', "read('flubber');"],
    ['a fenced block of Markdown', 'a.md', '```\nflubber\n```\n'],
    ['a word of a table that is no glossary', 'a.md', 'wibble'],
    ['data', 'a.json', '"flubber"'],
  ])('%s', (_what, file, text) => {
    expect(found(file, text)).toEqual([]);
  });
});

test('a finding names file, line, word and what to write', () => {
  const [finding] = check('a.md', '\nflubber');
  expect(finding && describeFinding(finding)).toBe(
    'a.md:2: "flubber" is banned by docs/glossary.md, write: cache entry',
  );
});

describe('the allowance', () => {
  const findings = ['a.md', 'a.md', 'b.md'].flatMap((file) => check(file, 'flubber'));
  const problems = (allowance: Record<string, number>): readonly string[] =>
    compare(findings, allowance, ({ file }) => file);

  test('of this checkout is empty', () => {
    expect(JSON.parse(readFileSync(join(import.meta.dirname, 'allowance.json'), 'utf8'))).toEqual({});
  });

  test('covers what a file holds', () => {
    expect(problems({ 'a.md': 2, 'b.md': 1 })).toEqual([]);
  });

  test('is exceeded: each finding of the file is printed', () => {
    expect(problems({ 'a.md': 1, 'b.md': 1 })).toEqual(['a.md', 'a.md']);
  });

  test('is higher than needed: that is an error, too', () => {
    expect(problems({ 'a.md': 2, 'b.md': 2, 'c.md': 1 })).toEqual([
      expect.stringMatching(/^b\.md: the allowance is 2, the file has 1/),
      expect.stringMatching(/^c\.md: the allowance is 1, the file has 0/),
    ]);
  });

  test.each([
    ['shrinks', { 'a.md': 3, 'b.md': 1, 'c.md': 1 }, { kind: 'shrunk', allowance: { 'a.md': 2, 'b.md': 1 } }],
    ['follows a renamed file', { 'old.md': 2, 'b.md': 1 }, { kind: 'shrunk', allowance: { 'a.md': 2, 'b.md': 1 } }],
    ['does not grow', { 'a.md': 1, 'b.md': 1 }, { kind: 'grew', files: ['a.md'] }],
    ['does not take in a new file', { 'b.md': 1 }, { kind: 'grew', files: ['a.md'] }],
  ])('%s', (_what, before, expected) => {
    expect(shrink(findings, before)).toEqual(expected);
  });
});

describe('the count of words', () => {
  const PEOPLE = ['who', 'ever'];

  test('is of comments, per part, with rates per 1,000 words', () => {
    const counts = countWords([
      ['packages/kube/src/a.ts', `/** One two three. */\nconst four = 'five six';\n// ${PEOPLE.join('')}`],
      ['packages/kube/src/b.ts', '// seven'],
      ['operator/src/a.ts', 'const a = 1;'],
      ['deploy/a.yaml', 'a: b # eight nine\n'],
    ]);
    expect(counts).toEqual([
      { part: 'deploy', words: 2, people: 0, speech: 0 },
      { part: 'packages/kube', words: 5, people: 1, speech: 0 },
    ]);
    expect(renderCounts(counts)).toMatch(/^packages\/kube +5 +200\.00 +0\.00\nall +7 +142\.86 +0\.00$/m);
  });

  test.each([
    ['at the limit', 4_000, 2, {}, []],
    ['above it', 3_999, 2, {}, [expect.stringMatching(/^operator: 0\.50 pronouns for people/)]],
    ['above it by a single word', 100, 1, {}, []],
    ['above it, in a part with an allowance', 100, 2, { 'operator/src/a.ts': 1 }, []],
  ])('a rate %s', (_what, words, people, allowance, expected) => {
    expect(findHighRates([{ part: 'operator', words, people, speech: 0 }], allowance)).toEqual(expected);
  });
});
