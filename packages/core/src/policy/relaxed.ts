import { parseTimestampMs } from '../kubernetes/timestamp.ts';
import type { ArchPolicyStatus } from './arch-policy.ts';

/**
 * R9: whether the preference is relaxed for a workload at this moment. An entry whose time cannot be read relaxes
 * nothing.
 *
 * @param workload as `workloadKey` names it
 * @param nowMs epoch milliseconds
 */
export function isRelaxedAt(
  relaxed: NonNullable<ArchPolicyStatus['relaxed']>,
  workload: string,
  nowMs: number,
): boolean {
  return relaxed.some(({ owner, until }) => owner === workload && (parseTimestampMs(until) ?? 0) > nowMs);
}
