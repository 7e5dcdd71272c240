/**
 * Replaces `@jest/globals` while mutants run. Its `describe` and `test` collect the tests of all files, so that one
 * process can run the tests many times without loading the files again.
 */
export { expect } from 'expect';

export interface CollectedTest {
  readonly title: string;
  readonly run: () => unknown;
  /** Whether it is a property test. These take long, so they run after the other tests. */
  readonly isProperty: boolean;
}

type Body = (...values: unknown[]) => unknown;

export const collected: CollectedTest[] = [];
const around: string[] = [];

function add(title: string, run: () => unknown, body: Body): void {
  collected.push({ title: [...around, title].join(' › '), run, isProperty: body.toString().includes('fc.assert') });
}

function group(title: string, body: () => void): void {
  around.push(title);
  body();
  around.pop();
}

const toRows = (table: Iterable<unknown>): unknown[][] =>
  [...table].map((row) => (Array.isArray(row) ? (row as unknown[]) : [row]));

export const test = Object.assign(
  (title: string, body: Body): void => {
    add(title, () => body(), body);
  },
  {
    each:
      (table: Iterable<unknown>) =>
      (title: string, body: Body): void => {
        for (const [index, row] of toRows(table).entries()) add(`${title} ${index}`, () => body(...row), body);
      },
  },
);

export const describe = Object.assign(group, {
  each:
    (table: Iterable<unknown>) =>
    (title: string, body: Body): void => {
      for (const row of toRows(table)) {
        group(`${title} ${String(row[0])}`, () => {
          body(...row);
        });
      }
    },
});
