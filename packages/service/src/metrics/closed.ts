import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

export type { Registry } from 'prom-client';

/** A process's own registry: no global one, so that two in one process (tests) do not meet. */
export function createRegistry(): Registry {
  return new Registry();
}

/** Memory, CPU, garbage collection and event-loop delay (maximum and percentiles since the last scrape). */
export function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
}

/** For each label, the closed set of its values: what a tenant can write never becomes a label. */
export type LabelSets = Readonly<Record<string, readonly string[]>>;
/** One value for each label. */
export type LabelsOf<L extends LabelSets> = { readonly [K in keyof L]: L[K][number] };

interface MetricRow<L extends LabelSets> {
  readonly registry: Registry;
  /** `archpolicy_…`, with the unit, ending in `_total` when it counts. */
  readonly name: `archpolicy_${string}`;
  readonly help: string;
  readonly labels: L;
}

/** A number that only grows. */
export interface ClosedCounter<L extends LabelSets> {
  inc(labels: LabelsOf<L>, by?: number): void;
}

/** Every combination of a small metric is there from the start, as 0: a first increment then counts as a rate. */
const MAX_PREPARED = 64;

/** Declares a counter whose labels come from closed sets. */
export function closedCounter<const L extends LabelSets>({ registry, labels, ...row }: MetricRow<L>): ClosedCounter<L> {
  const counter = new Counter({ ...row, labelNames: Object.keys(labels), registers: [registry] });
  const all = combinations(labels);
  if (all.length <= MAX_PREPARED) for (const combination of all) counter.inc(combination, 0);
  return {
    inc: (values, by = 1) => {
      counter.inc(values, by);
    },
  };
}

/** A number that goes up and down. */
export interface ClosedGauge<L extends LabelSets> {
  set(labels: LabelsOf<L>, value: number): void;
}

/** Declares a gauge whose labels come from closed sets. */
export function closedGauge<const L extends LabelSets>({ registry, labels, ...row }: MetricRow<L>): ClosedGauge<L> {
  const gauge = new Gauge({ ...row, labelNames: Object.keys(labels), registers: [registry] });
  return {
    set: (values, value) => {
      gauge.set(values, value);
    },
  };
}

/** Declares a gauge that is read at each scrape. */
export function observedGauge(
  row: Omit<MetricRow<Record<string, never>>, 'labels'> & { readonly read: () => number },
): void {
  const { registry, read, ...rest } = row;
  // prom-client keeps it through the registry; `collect` runs at each scrape.
  new Gauge({
    ...rest,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}

/** A distribution. */
export interface ClosedHistogram<L extends LabelSets> {
  observe(labels: LabelsOf<L>, value: number): void;
}

/** Declares a histogram whose labels come from closed sets; `buckets` are upper bounds in the metric's unit. */
export function closedHistogram<const L extends LabelSets>(
  row: MetricRow<L> & { readonly buckets: readonly number[] },
): ClosedHistogram<L> {
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

function combinations(labels: LabelSets): Record<string, string>[] {
  return Object.entries(labels).reduce<Record<string, string>[]>(
    (rows, [label, values]) => rows.flatMap((row) => values.map((value) => ({ ...row, [label]: value }))),
    [{}],
  );
}
