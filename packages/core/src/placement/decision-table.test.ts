import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Row } from './fixtures/row.ts';
import { buildInput } from './fixtures/row.ts';
import type { Summary } from './fixtures/summary.ts';
import { summarize } from './fixtures/summary.ts';

interface TableRow extends Row {
  /** The rule that the row proves, and the reason for the outcome. */
  readonly rule: string;
  readonly why: string;
  readonly then: string;
  /** Omitted fields must be empty, except for `required` and `tolerations` of the row's own pod. */
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
const readRows = (table: string): TableRow[] => parse(readFileSync(join(folder, table), 'utf8')) as TableRow[];

const addedSelector = ({ selector = '' }: TableRow): string => selector;

function completeExpectation(row: TableRow, actual: Summary): Summary {
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
  test.each(readRows(table).map((row): [string, TableRow] => [`${row.rule} ${row.why}`, row]))('%s', (_, row) => {
    const actual = summarize(buildInput(row));
    expect(actual).toEqual(completeExpectation(row, actual));
  });
});

describe('the decision table', () => {
  test('PL1 has many rows and no duplicates', () => {
    const rows = tables.flatMap(readRows);
    const titles = rows.map(({ rule, why }) => `${rule} ${why}`);
    expect(rows.length).toBeGreaterThanOrEqual(150);
    expect(new Set(titles).size).toBe(titles.length);
  });
});
