import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

export type { Registry } from 'prom-client';

/** Creates a registry. Does not use the global registry of prom-client, so that two registries in one process (tests) are independent. */
export function createRegistry(): Registry {
  return new Registry();
}

/** Collects memory, CPU, garbage collection and event-loop delay (maximum and percentiles since the last scrape). */
export function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
}

/** The possible values of each label, a closed set: text that a tenant can choose never becomes a label value. */
export type LabelSets = Readonly<Record<string, readonly string[]>>;
/** One value for each label. */
export type LabelsOf<L extends LabelSets> = { readonly [K in keyof L]: L[K][number] };

interface EnumMetricOptions<L extends LabelSets> {
  readonly registry: Registry;
  /** The metric name: begins with `archpolicy_` and contains the unit. The name of a counter ends in `_total`. */
  readonly name: `archpolicy_${string}`;
  readonly help: string;
  readonly labels: L;
}

/** A counter whose labels have closed sets of values. */
export interface EnumCounter<L extends LabelSets> {
  inc(labels: LabelsOf<L>, by?: number): void;
}

/**
 * If a metric has at most this many combinations of label values, all of them start at 0, so that `rate()` sees the
 * first increment.
 */
const MAX_PREPARED = 64;

/** Declares a counter whose labels come from closed sets. */
export function enumCounter<const L extends LabelSets>({
  registry,
  labels,
  ...row
}: EnumMetricOptions<L>): EnumCounter<L> {
  const counter = new Counter({ ...row, labelNames: Object.keys(labels), registers: [registry] });
  const all = buildCombinations(labels);
  if (all.length <= MAX_PREPARED) for (const combination of all) counter.inc(combination, 0);
  return {
    inc: (values, by = 1) => {
      counter.inc(values, by);
    },
  };
}

/** A gauge whose labels have closed sets of values. */
export interface EnumGauge<L extends LabelSets> {
  set(labels: LabelsOf<L>, value: number): void;
}

/** Declares a gauge whose labels come from closed sets. */
export function enumGauge<const L extends LabelSets>({ registry, labels, ...row }: EnumMetricOptions<L>): EnumGauge<L> {
  const gauge = new Gauge({ ...row, labelNames: Object.keys(labels), registers: [registry] });
  return {
    set: (values, value) => {
      gauge.set(values, value);
    },
  };
}

/** Declares a gauge that is read at each scrape. While `read` returns undefined, the gauge has no sample. */
export function observedGauge(
  row: Omit<EnumMetricOptions<Record<string, never>>, 'labels'> & { readonly read: () => number | undefined },
): void {
  const { registry, read, ...rest } = row;
  // The registry holds the gauge; prom-client calls `collect` at each scrape.
  new Gauge({
    ...rest,
    registers: [registry],
    collect() {
      const value = read();
      if (value === undefined) this.remove();
      else this.set(value);
    },
  });
}

/** Declares a gauge with labels whose samples are read at each scrape. Combinations that `read` omits have no sample. */
export function observedEnumGauge<const L extends LabelSets>(
  row: EnumMetricOptions<L> & { readonly read: () => Iterable<readonly [LabelsOf<L>, number]> },
): void {
  const { registry, read, labels, ...rest } = row;
  new Gauge({
    ...rest,
    labelNames: Object.keys(labels),
    registers: [registry],
    collect() {
      this.reset();
      for (const [values, value] of read()) this.set(values, value);
    },
  });
}

/** A histogram whose labels have closed sets of values. */
export interface EnumHistogram<L extends LabelSets> {
  observe(labels: LabelsOf<L>, value: number): void;
}

/** Declares a histogram whose labels come from closed sets; `buckets` are upper bounds in the metric's unit. */
export function enumHistogram<const L extends LabelSets>(
  row: EnumMetricOptions<L> & { readonly buckets: readonly number[] },
): EnumHistogram<L> {
  const { registry, labels, buckets, ...rest } = row;
  const histogram = new Histogram({
    ...rest,
    buckets: [...buckets],
    labelNames: Object.keys(labels),
    registers: [registry],
  });
  return {
    observe: (values, value) => {
      histogram.observe(values, value);
    },
  };
}

function buildCombinations(labels: LabelSets): Record<string, string>[] {
  return Object.entries(labels).reduce<Record<string, string>[]>(
    (rows, [label, values]) => rows.flatMap((row) => values.map((value) => ({ ...row, [label]: value }))),
    [{}],
  );
}
