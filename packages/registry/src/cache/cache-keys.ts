import type { KeyObject } from 'node:crypto';
import type { ClusterSharing } from '../hosts/cluster-sharing.ts';
import { computeMac, deriveKey } from './mac.ts';

/**
 * The version in each key. Change it whenever you change the layout or the encoding of values: entries of another
 * version are not found.
 */
export const VERSION = '3';

/**
 * The kind in each key. If you rename a kind, change `VERSION` as well, because replicas of two releases may share a
 * store.
 */
type Kind = 'facts' | 'tag' | 'failure' | 'missing' | 'lock' | 'limit';

/**
 * Returns the identity of this cluster: the uid of its namespace `kube-system`. Returns undefined as long as the identity
 * is not known.
 */
export type ClusterId = () => string | undefined;

/**
 * Names entries of the shared store: `archpolicy:3:facts:Tq0…`. The last part is a MAC (K6), so that a key reveals neither
 * images nor hosts.
 */
export class CacheKeys {
  readonly #key: KeyObject;
  readonly #clusterId: ClusterId;

  /**
   * @param secret the cache key, the same in all processes that share the store
   * @param clusterId the identity of this cluster
   */
  constructor(secret: string, clusterId: ClusterId = () => undefined) {
    this.#key = deriveKey(secret, 'name');
    this.#clusterId = clusterId;
  }

  /**
   * Names an entry about a host, for the clusters that share it. Returns undefined when only this cluster may use the
   * entry and its identity is not known: the entry must then not be shared.
   */
  cacheKey(kind: Kind, subject: string, sharing: ClusterSharing): string | undefined {
    const cluster = sharing === 'all-clusters' ? '' : this.#clusterId();
    if (cluster === undefined) return undefined;
    // No part contains NUL, so two entries never have the same text.
    return `archpolicy:${VERSION}:${kind}:${computeMac(this.#key, `${kind}\0${cluster}\0${subject}`)}`;
  }
}
