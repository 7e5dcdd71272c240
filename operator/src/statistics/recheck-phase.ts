/** When within every recheck interval a pod is due, as a share of the interval in [0, 1): a hash (FNV-1a) of its UID. */
export function recheckPhase(uid: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < uid.length; index += 1) {
    hash = Math.imul(hash ^ uid.charCodeAt(index), 0x01000193);
  }
  // The finalizer of MurmurHash3: without it, pods with similar UIDs are due one after the other.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
