/**
 * Returns the point within each recheck interval at which the pod is due, as a share of the interval in [0, 1). The
 * point is a hash (FNV-1a) of the pod's UID.
 */
export function recheckPhase(uid: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < uid.length; index += 1) {
    hash = Math.imul(hash ^ uid.charCodeAt(index), 0x01000193);
  }
  // Applies the finalizer of MurmurHash3. Without this step, pods with similar UIDs would be due at nearly the same
  // time.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
