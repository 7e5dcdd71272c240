import type { Clock } from '@archpolicy/async';
import { parseSafetyRecord } from '@archpolicy/core';
import type { ArchPolicy, ParsedSafetyRecord } from '@archpolicy/core';
import { KubeError } from '@archpolicy/kube';
import type { RecordStore } from './record-store.ts';

/** How long a new leader tries to read the record while the API server does not answer. Gates are lifted meanwhile. */
export const READ_FOR_MS = 30_000;
const READ_RETRY_MS = 1_000;

/** What a new leader found. `resourceVersion` is absent if there is no ConfigMap. */
export type FoundRecord =
  | { readonly kind: 'record'; readonly record: ParsedSafetyRecord; readonly resourceVersion: string }
  /** There is no usable record. `problem` contains no text of it. */
  | { readonly kind: 'none'; readonly problem: string; readonly resourceVersion?: string; readonly err?: unknown };

/** Reads the record. Retries transient errors for a limited time. */
export async function findRecord(
  store: Pick<RecordStore, 'read'>,
  clock: Pick<Clock, 'monotonic' | 'sleep'>,
  signal: AbortSignal,
): Promise<FoundRecord> {
  const untilMs = clock.monotonic() + READ_FOR_MS;
  for (;;) {
    try {
      return await readRecord(store, signal);
    } catch (err) {
      signal.throwIfAborted();
      if (!isTransient(err) || clock.monotonic() >= untilMs) return { kind: 'none', problem: 'it cannot be read', err };
    }
    await clock.sleep(READ_RETRY_MS, signal);
  }
}

/** Reads the record once. Throws a KubeError if it cannot be read. */
export async function readRecord(store: Pick<RecordStore, 'read'>, signal: AbortSignal): Promise<FoundRecord> {
  const stored = await store.read(signal);
  if (stored === undefined) return { kind: 'none', problem: 'the ConfigMap does not exist' };
  const { text, resourceVersion } = stored;
  const parsed = parseSafetyRecord(text);
  return parsed.kind === 'ok'
    ? { kind: 'record', record: parsed.value, resourceVersion }
    : { kind: 'none', problem: parsed.failure, resourceVersion };
}

/** Rejections that do not concern the record: a token that was just replaced, and an API server under load. */
const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([401, 408, 425, 429]);

/** Returns whether a later read may succeed. A leader cannot wait for a role that lacks a permission. */
function isTransient(err: unknown): boolean {
  if (!(err instanceof KubeError)) return false;
  if (err.code === 'Refused') return RETRYABLE_STATUSES.has(err.status ?? 0) || (err.status ?? 0) >= 500;
  return err.code === 'Timeout' || err.code === 'Network';
}

/** Whether the status of a policy shows that the brake had stopped evictions. */
export function showsStoppedEvictions(policies: readonly ArchPolicy[]): boolean {
  return policies.some(({ status }) =>
    (status?.conditions ?? []).some(
      ({ type, status: value, reason }) =>
        type === 'Degraded' && value === 'True' && (reason === 'EvictionsStopped' || reason === 'OwnersStopped'),
    ),
  );
}
