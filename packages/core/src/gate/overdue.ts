import type { ArchPolicy } from '../policy/index.ts';
import { parseDurationMs } from '../policy/index.ts';

/** The leader lifts a gate after `gateTimeout`. Twice that time has passed only if it does not. */
const FACTOR = 2;
/** For a pod whose policy is unknown: twice the longest `gateTimeout` that a policy may have. */
const UNKNOWN_POLICY_MS = FACTOR * 10 * 60_000;

/**
 * PL12: returns the time in milliseconds after which every replica of the operator lifts a gate, not only the leader.
 *
 * @param policy the pod's policy; undefined if it is unknown, for example because policies cannot be listed
 */
export function overdueAfterMs(policy: ArchPolicy | undefined): number {
  const timeoutMs = policy === undefined ? undefined : parseDurationMs(policy.spec.gateTimeout);
  return timeoutMs === undefined ? UNKNOWN_POLICY_MS : FACTOR * timeoutMs;
}
