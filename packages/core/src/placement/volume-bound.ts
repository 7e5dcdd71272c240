import { groupKind } from '../kubernetes/owner.ts';
import { mountsClaim } from '../kubernetes/pod-spec.ts';
import { isReplacingOwner } from '../pod/replacing-owners.ts';
import type { ArchPolicy } from '../policy/index.ts';
import type { PodView } from './pod-view.ts';

/**
 * Whether the pod mounts a PersistentVolumeClaim, and no controller is known to replace the pod (PL6). The volume may
 * be bound to a node or zone without the preferred architecture, and no eviction could correct that (R2, R9). A pod of
 * a Job is always included, because neither the Job nor the claims and volumes of the pod are read.
 */
export function mayBeVolumeBound({ owner, spec }: PodView, policy: ArchPolicy): boolean {
  if (!mountsClaim(spec)) return false;
  if (owner === undefined || groupKind(owner) === 'batch/Job') return true;
  return !isReplacingOwner(owner, policy.spec.remediation.ownerKinds);
}
