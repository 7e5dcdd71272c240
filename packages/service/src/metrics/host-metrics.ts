import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import { BoundedNames, OTHER } from './bounded-names.ts';

const MAX_HOSTS = 500;
/** The limit of a histogram is lower, because it has a series for each bucket. */
const MAX_HISTOGRAM_HOSTS = 100;

interface HostMetricOptions {
  readonly registry: Registry;
  readonly name: `archpolicy_${string}`;
  readonly help: string;
}

/** Counts by host and cause. */
export interface HostCounter<C extends string> {
  /** @param labels `host`: as the registries file writes it, never a tenant's text; `other` for all other hosts */
  inc(labels: { readonly host: string; readonly cause: C }): void;
}

/** Declares a counter by host and cause. Hosts over the limit count as `other`. */
export function hostCounter<C extends string>(
  row: HostMetricOptions & { readonly causes: readonly C[] },
): HostCounter<C> {
  const { registry, causes, ...rest } = row;
  const counter = new Counter({ ...rest, labelNames: ['host', 'cause'], registers: [registry] });
  for (const cause of causes) counter.inc({ host: OTHER, cause }, 0);
  const hosts = new BoundedNames(MAX_HOSTS);
  return {
    inc: ({ host, cause }) => {
      counter.inc({ host: hosts.label(host), cause });
    },
  };
}

/** Declares a histogram by host. Hosts over the limit count as `other`. Returns the function that observes a value. */
export function hostHistogram(
  row: HostMetricOptions & { readonly buckets: readonly number[] },
): (host: string, value: number) => void {
  const { registry, buckets, ...rest } = row;
  const histogram = new Histogram({ ...rest, buckets: [...buckets], labelNames: ['host'], registers: [registry] });
  const hosts = new BoundedNames(MAX_HISTOGRAM_HOSTS);
  return (host, value) => {
    histogram.observe({ host: hosts.label(host) }, value);
  };
}

/** Declares a gauge by host, which is read at each scrape. The values of hosts over the limit are added up as `other`. */
export function hostGauge(
  row: HostMetricOptions & { readonly read: () => Iterable<readonly [host: string, value: number]> },
): void {
  const { registry, read, ...rest } = row;
  new Gauge({
    ...rest,
    labelNames: ['host'],
    registers: [registry],
    collect() {
      this.reset();
      const hosts = new BoundedNames(MAX_HOSTS);
      for (const [host, value] of read()) this.inc({ host: hosts.label(host) }, value);
    },
  });
}
