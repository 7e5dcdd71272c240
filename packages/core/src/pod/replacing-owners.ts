import type { OwnerReference } from '../kubernetes/facts.ts';
import { groupKind } from '../kubernetes/owner.ts';

/** The built-in controllers that create a new pod for an evicted one, as `group/Kind`. */
const REPLACING: ReadonlySet<string> = new Set(['apps/ReplicaSet', 'apps/StatefulSet', '/ReplicationController']);

/**
 * Whether owners of this kind always create a new pod for an evicted one (R2). Jobs are not included: whether a Job
 * creates a new pod depends on its spec and on earlier failures.
 *
 * @param ownerKinds additional kinds from the policy, as `group/Kind`
 */
export function isReplacingOwner(
  owner: Pick<OwnerReference, 'apiVersion' | 'kind'>,
  ownerKinds: readonly string[],
): boolean {
  const kind = groupKind(owner);
  return REPLACING.has(kind) || ownerKinds.includes(kind);
}
