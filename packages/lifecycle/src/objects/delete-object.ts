import type { Clock } from '@archpolicy/async';
import { arrayAt, isJsonObject, objectAt } from '@archpolicy/core';
import { bodyOrThrow, KubeError } from '@archpolicy/kube';
import type { Api, ApiResponse } from '@archpolicy/kube';
import { LifecycleError } from '../errors.ts';

const TIMEOUT_MS = 10_000;
const POLL_MS = 500;
const RETRY_MS = 1_000;
const MAX_ATTEMPTS = 10;

export interface DeleteParts {
  readonly api: Pick<Api, 'request'>;
  readonly clock: Clock;
}

/** `Foreground`: the object is gone when its dependents are gone, such as the pods of a Deployment. */
export type Propagation = 'Background' | 'Foreground';

/**
 * Deletes the object. Returns false if it does not exist.
 *
 * @throws KubeError if the API server rejects the deletion, or does not respond several times
 */
export async function deleteObject(
  { api, clock }: DeleteParts,
  path: string,
  propagation: Propagation,
  signal: AbortSignal,
): Promise<boolean> {
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: propagation };
  const answer = await withRetries(clock, signal, () =>
    api.request({ method: 'DELETE', path, body, signal, timeoutMs: TIMEOUT_MS }),
  );
  if (answer.kind === 'refused' && answer.status === 404) return false;
  if (answer.kind === 'refused') {
    const { status, message } = answer;
    throw new KubeError('Refused', `the API server rejected the deletion: ${status} ${message}`, { status });
  }
  return true;
}

/**
 * Waits until the object does not exist.
 *
 * @throws LifecycleError `NotRemoved` when the time is over
 */
export async function waitUntilGone(
  { api, clock }: DeleteParts,
  { path, title, withinMs }: { readonly path: string; readonly title: string; readonly withinMs: number },
  signal: AbortSignal,
): Promise<void> {
  const untilMs = clock.monotonic() + withinMs;
  for (;;) {
    const answer = await withRetries(clock, signal, () =>
      api.request({ method: 'GET', path, signal, timeoutMs: TIMEOUT_MS }),
    );
    if (answer.kind === 'refused' && answer.status === 404) return;
    const body = bodyOrThrow(answer);
    if (clock.monotonic() >= untilMs) {
      const finalizers = arrayAt(objectAt(isJsonObject(body) ? body : {}, 'metadata'), 'finalizers').filter(
        (finalizer) => typeof finalizer === 'string',
      );
      const cause = finalizers.length === 0 ? '' : ` (finalizers: ${finalizers.join(', ')})`;
      throw new LifecycleError('NotRemoved', `${title} still exists${cause}; run the command again`);
    }
    await clock.sleep(POLL_MS, signal);
  }
}

/** Repeats a call without a response, and one to which the API server responded that it is overloaded or failed. */
async function withRetries(clock: Clock, signal: AbortSignal, call: () => Promise<ApiResponse>): Promise<ApiResponse> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answer = await call();
      const isTransient = answer.kind === 'refused' && (answer.status === 429 || answer.status >= 500);
      if (!isTransient || attempt === MAX_ATTEMPTS) return answer;
    } catch (error) {
      signal.throwIfAborted();
      if (attempt === MAX_ATTEMPTS || (error instanceof KubeError && error.code === 'BadConfig')) throw error;
    }
    await clock.sleep(RETRY_MS, signal);
  }
}
