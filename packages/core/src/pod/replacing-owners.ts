import type { OwnerReference } from '../kubernetes/facts.ts';
import { groupKind } from '../kubernetes/owner.ts';

/** The built-in controllers that create a new pod for an evicted one, by `group/Kind`. */
const REPLACING: ReadonlySet<string> = new Set(['apps/ReplicaSet', 'apps/StatefulSet', '/ReplicationController']);

/**
 * Whether an owner of this kind creates a new pod for each one that goes (R2). A Job is none: whether it does depends on
 * its spec and its failures.
 *
 * @param ownerKinds further kinds that do, as `group/Kind` (policy)
 */
export function isReplacingOwner(
  owner: Pick<OwnerReference, 'apiVersion' | 'kind'>,
  ownerKinds: readonly string[],
): boolean {
  const kind = groupKind(owner);
  return REPLACING.has(kind) || ownerKinds.includes(kind);
}
