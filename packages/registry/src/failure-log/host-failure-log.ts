import type { Clock } from '@archpolicy/async';
import { withoutUndefined } from '@archpolicy/core';
import { OTHER_HOST } from '../config/registries.ts';
import type { RegistriesSource } from '../config/registries-file.ts';
import { normalizeHost } from '../hosts/host-pattern.ts';
import type { FailureCause, FailureCauseKind } from '../http/failure-cause.ts';
import type { Logger } from '../logger.ts';
import type { RegistryMetrics } from '../metrics.ts';
import { boundText } from './bound-text.ts';
import { DETAILS } from './details.ts';
import { groupFailures } from './group-failures.ts';
import type { FailedRequest, FailureGroup } from './group-failures.ts';
import { LineLimits } from './line-limits.ts';
import type { LineDecision } from './line-limits.ts';

interface Parts {
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly metrics: Pick<RegistryMetrics, 'failure'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly registries: Pick<RegistriesSource, 'current'>;
}

/** An inspection with failed requests. */
export interface FailedInspection {
  /** Whether the inspection has an answer despite these failures. */
  readonly hasAnswer: boolean;
  /** The namespace for which the image was inspected. */
  readonly tenant: string | undefined;
}

/** Causes that need no action at the registry: a wrong name in a pod, and a choice of the administrator. */
const UNREMARKABLE: ReadonlySet<FailureCauseKind> = new Set(['not-found', 'blocked-host']);
/** Causes after which requests wait. */
const WAITS: ReadonlySet<FailureCauseKind> = new Set(['rate-limited', 'request-limit', 'circuit-breaker']);

/** Logs and counts nothing. */
export const NO_FAILURE_LOG: Pick<HostFailureLog, 'record' | 'report'> = {
  record: () => undefined,
  report: () => undefined,
};

/**
 * Logs and counts why images could not be read. A line has the host, the cause and where the credential came from, but no
 * text of a response, because a response may contain a credential.
 */
export class HostFailureLog {
  readonly #parts: Parts;
  readonly #limits: LineLimits;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#limits = new LineLimits(parts.clock.monotonic());
  }

  /** Logs the failed requests of an inspection, and counts them. Failures without a cause are not those of a registry. */
  record({ hasAnswer, tenant = '' }: FailedInspection, requests: readonly FailedRequest[]): void {
    for (const group of groupFailures(requests, hasAnswer)) this.#record(group, tenant);
  }

  /**
   * Logs and counts a problem with the credentials for a registry.
   * @param source where the credentials come from
   */
  report(host: string, kind: FailureCauseKind, source?: string): void {
    this.#record({ host, sources: source === undefined ? [] : [source], cause: { kind } }, '');
  }

  #record(group: FailureGroup, tenant: string): void {
    const { metrics, clock, registries } = this.#parts;
    const host = normalizeHost(group.host);
    const { kind } = group.cause;
    const label = registries.current().labelFor(group.host);
    metrics.failure({ host: label, cause: kind });
    const isNamed = label !== OTHER_HOST && !label.includes('*');
    const decision = this.#limits.decide({ host, kind, isNamed, tenant }, clock.monotonic());
    if (decision.kind === 'write') this.#write(group, decision);
  }

  #write(group: FailureGroup, { repeated, suppressed }: Extract<LineDecision, { readonly kind: 'write' }>): void {
    const { host, repository, sources, cause, retryAtMs } = group;
    const fields = {
      host: boundText(normalizeHost(host)),
      ...toFields(cause),
      ...(repository !== undefined && { repository: boundText(repository) }),
      // Not `credential`: the logger redacts fields with such names.
      ...(sources.length > 0 && { authentication: sources.map(boundText) }),
      ...formatUntil(cause, retryAtMs),
      detail: DETAILS[cause.kind],
      ...(repeated > 0 && { repeated }),
      ...(suppressed > 0 && { suppressed }),
    };
    const level = UNREMARKABLE.has(cause.kind) ? 'info' : 'warn';
    this.#parts.logger[level](fields, 'registry request failed');
  }
}

function toFields({ kind, status, code, rule, server }: FailureCause): Record<string, unknown> {
  const place = server === undefined ? {} : { [server.place]: boundText(server.host) };
  return { cause: kind, ...withoutUndefined({ status, code, rule }), ...place };
}

function formatUntil({ kind }: FailureCause, retryAtMs: number | undefined): { readonly until?: string } {
  return WAITS.has(kind) && retryAtMs !== undefined ? { until: new Date(retryAtMs).toISOString() } : {};
}
