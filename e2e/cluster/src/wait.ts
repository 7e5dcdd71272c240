import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterError, errorMessage } from './errors.ts';

/**
 * Polling interval. It is short compared with a start, which takes seconds, and long compared with the duration of a
 * check.
 */
const POLL_MILLISECONDS = 50;

export interface WaitOptions {
  readonly timeoutMs: number;
  /** The condition, as it reads after "waited 5 s for". */
  readonly what: string;
  readonly signal?: AbortSignal;
  readonly intervalMs?: number;
}

/**
 * Waits until the condition returns a value other than undefined, null or false, and returns it. A condition that
 * throws counts as not met; the timeout error contains the last error of the condition.
 */
export async function waitFor<T>(
  condition: (signal: AbortSignal) => Promise<T> | T,
  options: WaitOptions,
): Promise<Met<T>> {
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
  let problem = '';
  while (!signal.aborted) {
    const outcome = await attempt(condition, signal);
    if ('met' in outcome) return outcome.met;
    problem = outcome.problem ?? problem;
    await sleep(options.intervalMs ?? POLL_MILLISECONDS, undefined, { signal }).catch(() => undefined);
  }
  if (options.signal?.aborted === true) throw new ClusterError('Cancelled', `cancelled: ${options.what}`);
  throw new ClusterError('Timeout', `waited ${options.timeoutMs / 1000} s for ${options.what}${problem}`);
}

type Met<T> = NonNullable<Exclude<T, false>>;

async function attempt<T>(
  condition: (signal: AbortSignal) => Promise<T> | T,
  signal: AbortSignal,
): Promise<{ readonly met: Met<T> } | { readonly problem: string | undefined }> {
  try {
    const value = await condition(signal);
    return isMet(value) ? { met: value } : { problem: undefined };
  } catch (error) {
    // An error after the deadline only shows that the condition was aborted.
    return { problem: signal.aborted ? undefined : `: ${errorMessage(error)}` };
  }
}

function isMet<T>(value: T): value is T & Met<T> {
  return value !== undefined && value !== null && value !== false;
}
