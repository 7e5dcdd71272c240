import { Counter } from 'prom-client';
import type { Registry } from 'prom-client';

/** Maximum number of values of the label `host`. Reloads of the registries file could add values without end. */
const MAX_HOSTS = 500;
const OTHER = 'other';

/** Counts by host and cause. */
export interface HostCounter<C extends string> {
  /** @param labels `host`: as the registries file writes it, never a tenant's text; `other` for all other hosts */
  inc(labels: { readonly host: string; readonly cause: C }): void;
}

/** Declares a counter by host and cause. Hosts over the limit count as `other`. */
export function hostCounter<C extends string>(row: {
  readonly registry: Registry;
  readonly name: `archpolicy_${string}`;
  readonly help: string;
  readonly causes: readonly C[];
}): HostCounter<C> {
  const { registry, causes, ...rest } = row;
  const counter = new Counter({ ...rest, labelNames: ['host', 'cause'], registers: [registry] });
  for (const cause of causes) counter.inc({ host: OTHER, cause }, 0);
  const hosts = new Set([OTHER]);
  return {
    inc: ({ host, cause }) => {
      if (hosts.size < MAX_HOSTS) hosts.add(host);
      counter.inc({ host: hosts.has(host) ? host : OTHER, cause });
    },
  };
}
