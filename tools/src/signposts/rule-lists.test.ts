import { describe, expect, test } from '@jest/globals';
import { files, readText } from './fixtures/checkout.ts';

/** Matches a comment with the ids of a rule and one sentence about the rule: `// R1, R10: The pod is not Ready.` */
const SENTENCE = /^ *\/\/ (?:PL|I|K|R|P)\d+(?:, (?:PL|I|K|R|P)\d+)*: [A-Z].*\.$/;
/** `const RULES: readonly Rule[] = [` up to its `];`. */
const ARRAY = /^const (\w*RULES)\b[^=\n]*=.*\[\n([\s\S]*?)\n\];$/gm;
/** Functions that evaluate one rule after the other. */
const FUNCTIONS = ['findExemption', 'checkScope', 'mayGate'];

interface RuleList {
  readonly name: string;
  /** The first line of each rule, with the comment before it. */
  readonly rules: readonly (readonly [string, string])[];
}

/** A rule may begin with constants that it reads. */
function parseRules(body: string, isRule: (line: string) => boolean): RuleList['rules'] {
  const lines = body.split('\n').filter((line) => !line.startsWith('  const '));
  return lines.flatMap((line, at) => (isRule(line) ? [[line, lines[at - 1] ?? ''] as const] : []));
}

function arrays(text: string): readonly RuleList[] {
  return [...text.matchAll(ARRAY)].map(([, name = '', body = '']) => ({
    name,
    rules: parseRules(body, (line) => /^ {2}\w+,$/.test(line)),
  }));
}

function functions(text: string): readonly RuleList[] {
  return FUNCTIONS.flatMap((name) => {
    const body = new RegExp(`function ${name}\\([\\s\\S]*?\\n\\}\\n`).exec(text)?.[0];
    return body === undefined ? [] : [{ name, rules: parseRules(body, (line) => /^ {2}(?:if \(|return )/.test(line)) }];
  });
}

const sources = files.filter((file) => /^packages\/core\/src\/.*(?<!\.test)\.ts$/.test(file)).map(readText);
const lists = sources.flatMap((text) => [...arrays(text), ...functions(text)]);

describe('the lists of rules in core', () => {
  test('are found', () => {
    expect(lists.map(({ name }) => name).sort()).toEqual(['RULES', 'UNSCHEDULABLE_RULES', ...FUNCTIONS].sort());
  });

  test.each(lists)('$name: each rule has its id and one sentence', ({ rules }) => {
    expect(rules.length).toBeGreaterThan(3);
    expect(rules.filter(([, before]) => !SENTENCE.test(before))).toEqual([]);
  });
});
