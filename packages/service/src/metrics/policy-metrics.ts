import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import { BoundedNames } from './bounded-names.ts';

/**
 * Maximum number of values of the label `policy`, which has the names of ArchPolicies. They are cluster-scoped, so only
 * administrators choose the names, but scripts could create many.
 */
const MAX_POLICIES = 200;

interface PolicyMetricOptions {
  readonly registry: Registry;
  readonly name: `archpolicy_${string}`;
  readonly help: string;
}

/** The values of one policy, by the value of the second label. */
export interface PolicySample<S extends string> {
  readonly policy: string;
  readonly values: Readonly<Record<S, number>>;
}

/** Declares a counter by policy. Policies over the limit count as `other`. Returns the function that counts one. */
export function policyCounter({ registry, ...row }: PolicyMetricOptions): (policy: string) => void {
  const counter = new Counter({ ...row, labelNames: ['policy'], registers: [registry] });
  const policies = new BoundedNames(MAX_POLICIES);
  return (policy) => {
    counter.inc({ policy: policies.label(policy) });
  };
}

/**
 * Declares a gauge by policy and one more label, which is read at each scrape, so that deleted policies have no sample. The
 * values of policies over the limit are added up as `other`.
 */
export function policyGauge<S extends string>(
  row: PolicyMetricOptions & { readonly label: string; readonly read: () => Iterable<PolicySample<S>> },
): void {
  const { registry, label, read, ...rest } = row;
  new Gauge({
    ...rest,
    labelNames: ['policy', label],
    registers: [registry],
    collect() {
      this.reset();
      const policies = new BoundedNames(MAX_POLICIES);
      for (const { policy, values } of read()) {
        const name = policies.label(policy);
        for (const [value, count] of Object.entries<number>(values)) this.inc({ policy: name, [label]: value }, count);
      }
    },
  });
}
