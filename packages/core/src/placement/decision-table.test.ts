import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Row } from './fixtures/row.ts';
import { inputOf } from './fixtures/row.ts';
import type { Summary } from './fixtures/summary.ts';
import { summaryOf } from './fixtures/summary.ts';

interface TableRow extends Row {
  /** The rule that the row proves, and why the outcome is what it is. */
  readonly rule: string;
  readonly why: string;
  readonly then: string;
  /** What is left out of a row must be empty, but for `required` and `tolerations` that the row's pod has itself. */
  readonly image?: string;
  readonly required?: string;
  readonly preferred?: string;
  readonly selector?: string;
  readonly tolerations?: string;
  readonly gates?: string;
  readonly warnings?: readonly string[];
}

const folder = join(import.meta.dirname, 'testdata');
const tables = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
const rowsOf = (table: string): TableRow[] => parse(readFileSync(join(folder, table), 'utf8')) as TableRow[];

const addedSelector = ({ selector = '' }: TableRow): string => selector;

function expectedOf(row: TableRow, actual: Summary): Summary {
  const changed = row.then.startsWith('constrain') || row.then.startsWith('gate');
  return {
    then: row.then,
    image: row.image ?? actual.image,
    required: row.required ?? (changed ? '' : actual.required),
    preferred: row.preferred ?? (changed ? '' : actual.preferred),
    selector: addedSelector(row),
    tolerations: row.tolerations ?? (changed ? '' : actual.tolerations),
    gates: row.gates ?? (changed ? '' : actual.gates),
    warnings: row.warnings ?? [],
    changed,
  };
}

describe.each(tables)('%s', (table) => {
  test.each(rowsOf(table).map((row): [string, TableRow] => [`${row.rule} ${row.why}`, row]))('%s', (_, row) => {
    const actual = summaryOf(inputOf(row));
    expect(actual).toEqual(expectedOf(row, actual));
  });
});

describe('the decision table', () => {
  test('PL1 is as long as it should be, and no row is there twice', () => {
    const rows = tables.flatMap(rowsOf);
    const titles = rows.map(({ rule, why }) => `${rule} ${why}`);
    expect(rows.length).toBeGreaterThanOrEqual(150);
    expect(new Set(titles).size).toBe(titles.length);
  });
});
