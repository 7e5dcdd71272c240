import { describe, expect, test } from '@jest/globals';
import { readMetricsPage } from '@archpolicy/testkit';
import { files, readText } from './fixtures/checkout.ts';

const PAGE = readText('docs/operations.md');
const SECTION = PAGE.slice(PAGE.indexOf('## Questions of the person on call'), PAGE.indexOf('## Metrics'));
const QUESTIONS = [...SECTION.matchAll(/^### (?<title>\d+\. .*)\n(?<text>[\s\S]*?)(?=^#{2,3} )/gmu)].map(
  ({ groups }) => ({
    title: groups?.['title'] ?? '',
    text: groups?.['text'] ?? '',
  }),
);
const blocks = (language: string): readonly string[] =>
  [...SECTION.matchAll(/^```(?<language>\w+)\n(?<text>[\s\S]*?)^```/gmu)]
    .filter(({ groups }) => groups?.['language'] === language)
    .map(({ groups }) => (groups?.['text'] ?? '').trim());
const queries = blocks('promql');
const commands = blocks('sh').flatMap((block) => block.split('\n'));

/** The labels of each series: a histogram has three names, one of them with the label `le`. */
const SERIES = new Map(
  readMetricsPage().flatMap(({ name, type, labels }): (readonly [string, readonly string[]])[] =>
    type === 'histogram'
      ? [
          [`${name}_bucket`, [...labels, 'le']],
          [`${name}_sum`, labels],
          [`${name}_count`, labels],
        ]
      : [[name, labels]],
  ),
);

test('twelve questions, each with a query or a command, and with what to do next', () => {
  expect(QUESTIONS.map(({ title }) => Number.parseInt(title, 10))).toEqual(
    Array.from({ length: 12 }, (_, at) => at + 1),
  );
  for (const { text } of QUESTIONS) {
    expect(text).toMatch(/^```(?:promql|sh)$/mu);
    const prose = text.replaceAll(/^```[\s\S]*?^```$/gmu, '');
    expect(prose.trim().length).toBeGreaterThan(80);
  }
});

describe('queries', () => {
  test.each(queries)('%s names metrics and labels of the table', (query) => {
    const names = [...query.matchAll(/archpolicy_\w+/gu)].map(([name]) => name);
    expect(names.filter((name) => !SERIES.has(name))).toEqual([]);
    expect(names.length).toBeGreaterThan(0);
    const known = new Set(names.flatMap((name) => SERIES.get(name) ?? []));
    const used = [
      ...[...query.matchAll(/\bby \((?<labels>[^)]*)\)/gu)].flatMap((match) => (match[1] ?? '').split(/,\s*/u)),
      ...[...query.matchAll(/[{,](?<label>\w+)(?:=~|!=|=)"/gu)].map((match) => match[1] ?? ''),
    ];
    expect(used.filter((label) => !known.has(label))).toEqual([]);
  });

  test.each(queries)('%s has balanced brackets, and rates of counters and buckets only', (query) => {
    for (const [open = '', close = ''] of ['()', '{}', '[]'].map((pair) => pair.split(''))) {
      expect(query.split(open).length).toBe(query.split(close).length);
    }
    for (const [, name = ''] of query.matchAll(/(?:rate|increase)\((?<name>\w+)/gu)) {
      expect(name).toMatch(/_(?:total|count|bucket)$/u);
    }
  });

  test('a metric that does not exist is found', () => {
    expect(SERIES.has('archpolicy_admission_reviews_duration_seconds')).toBe(false);
  });
});

describe('commands', () => {
  const manifests = files
    .filter((file) => file.startsWith('deploy/base/'))
    .map(readText)
    .join('\n');
  const sources = files
    .filter((file) => /^(?:packages\/core|operator|packages\/process)\/.*src\/.*(?<!test)\.ts$/u.test(file))
    .map(readText)
    .join('\n');

  test.each(commands)('%s names objects of our manifests and texts of our sources', (command) => {
    expect(command).toMatch(/^kubectl /u);
    const named = [...command.matchAll(/archpolicy-(?!system)[a-z-]+/gu)].map(([name]) => name);
    expect(named.filter((name) => !manifests.includes(`name: ${name}`))).toEqual([]);
    for (const [, component = ''] of command.matchAll(/app\.kubernetes\.io\/component=(?<component>\w+)/gu)) {
      expect(manifests).toContain(`app.kubernetes.io/component: ${component}`);
    }
    const texts = [
      ...command.matchAll(/(?:reason=|reportingComponent=)(?<text>[\w./]+)|grep '?(?<searched>archpolicy[^']*)/gu),
    ];
    for (const [, text, searched] of texts) expect(sources).toContain(text ?? searched ?? '');
  });
});
