import type { OwnerReference } from '../kubernetes/facts.ts';
import { groupKind } from '../kubernetes/owner.ts';

/** The built-in controllers that replace an evicted pod, as `group/Kind`. */
const REPLACING: ReadonlySet<string> = new Set(['apps/ReplicaSet', 'apps/StatefulSet', '/ReplicationController']);

/**
 * Returns whether an owner of this kind replaces each deleted pod (R2). A Job does not always: it depends on its spec and its
 * failures.
 *
 * @param ownerKinds further replacing kinds, as `group/Kind` (policy)
 */
export function isReplacingOwner(
  owner: Pick<OwnerReference, 'apiVersion' | 'kind'>,
  ownerKinds: readonly string[],
): boolean {
  const kind = groupKind(owner);
  return REPLACING.has(kind) || ownerKinds.includes(kind);
}
