import { readFileSync } from 'node:fs';

const PAGE = new URL('../../../docs/operations.md', import.meta.url);
const ROW = /^\| `(?<name>archpolicy_\w+)` \| (?<type>\w+) \| (?<of>\w+) \|(?<labels>[^|]*)\|/gmu;
const TYPE = /^# TYPE (?<name>archpolicy_\w+) (?<type>\w+)$/gmu;
const SERIES = /^(?<name>archpolicy_\w+?)(?:_bucket|_sum|_count)?\{(?<labels>[^}]*)\}/gmu;

/** A metric of the table in docs/operations.md. */
export interface DocumentedMetric {
  readonly name: string;
  readonly type: string;
  /** The processes that serve it: `webhook`, `operator` or `both`. */
  readonly of: string;
  /** The names of its labels, sorted. */
  readonly labels: readonly string[];
}

/** A metric that a process serves. */
export type ServedMetric = Omit<DocumentedMetric, 'of'>;

/** Reads the table of metrics. */
export function readMetricsPage(): readonly DocumentedMetric[] {
  return [...readFileSync(PAGE, 'utf8').matchAll(ROW)].map(({ groups }) => {
    const { name = '', type = '', of = '', labels = '' } = groups ?? {};
    return { name, type, of, labels: [...labels.matchAll(/\w+/gu)].map(([label]) => label).toSorted() };
  });
}

/**
 * Parses our own metrics from the text that `/metrics` returns.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function parseServedMetrics(text: string): readonly ServedMetric[] {
  const labels = new Map<string, readonly string[]>();
  for (const { groups } of text.matchAll(SERIES)) {
    const names = [...(groups?.['labels'] ?? '').matchAll(/(?<label>\w+)="/gu)].map((match) => match[1] ?? '');
    labels.set(groups?.['name'] ?? '', names.filter((name) => name !== 'le').toSorted());
  }
  return [...text.matchAll(TYPE)].map(({ groups }) => {
    const { name = '', type = '' } = groups ?? {};
    return { name, type, labels: labels.get(name) ?? [] };
  });
}

/**
 * Compares what a process serves with the table. Returns one line for each difference. The labels of a metric without a
 * series cannot be compared.
 */
export function compareWithMetricsPage(process: 'webhook' | 'operator', text: string): readonly string[] {
  const documented = new Map(
    readMetricsPage()
      .filter(({ of }) => of === process || of === 'both')
      .map((metric) => [metric.name, metric]),
  );
  const served = parseServedMetrics(text);
  const differences = served.flatMap(({ name, type, labels }) => {
    const metric = documented.get(name);
    documented.delete(name);
    if (metric === undefined) return [`${name} is not in the table`];
    if (metric.type !== type) return [`${name} is a ${type}`];
    const isEqual = labels.length === 0 || labels.join(' ') === metric.labels.join(' ');
    return isEqual ? [] : [`${name} has the labels ${labels.join(', ')}`];
  });
  return [...differences, ...[...documented.keys()].map((name) => `${name} is not served`)];
}
