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

/** One value of a policy. Without further labels `L`, a policy has one value. */
export interface PolicySample<L extends string> {
  readonly labels: Readonly<Record<'policy' | L, string>>;
  readonly value: number;
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
 * Declares a gauge by policy and further labels, which is read at each scrape, so that deleted policies have no sample. The
 * values of policies over the limit are added up as `other`.
 *
 * @param row `labels`: the further labels, whose values are closed sets
 */
export function policyGauge<const L extends string>(
  row: PolicyMetricOptions & { readonly labels: readonly L[]; readonly read: () => Iterable<PolicySample<L>> },
): void {
  const { registry, labels: further, read, ...rest } = row;
  new Gauge({
    ...rest,
    labelNames: ['policy', ...further],
    registers: [registry],
    collect() {
      this.reset();
      const policies = new BoundedNames(MAX_POLICIES);
      for (const { labels, value } of read()) this.inc({ ...labels, policy: policies.label(labels.policy) }, value);
    },
  });
}
