import type { ClusterSharing } from '../hosts/cluster-sharing.ts';
import type { CacheSecret } from './cache-secret.ts';
import { computeMac, DerivedKeys } from './mac.ts';

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
  readonly #secret: CacheSecret;
  readonly #derived: DerivedKeys;
  readonly #clusterId: ClusterId;

  /** @param clusterId the identity of this cluster */
  constructor(secret: CacheSecret, clusterId: ClusterId = () => undefined) {
    this.#secret = secret;
    this.#derived = new DerivedKeys(secret);
    this.#clusterId = clusterId;
  }

  /**
   * Names an entry about a host, for the clusters that share it. Returns undefined when the entry must not be shared: the
   * cache key is not known yet, or only this cluster may use the entry and its identity is not known.
   */
  cacheKey(kind: Kind, subject: string, sharing: ClusterSharing): string | undefined {
    if (!this.#secret.isShared) return undefined;
    const cluster = sharing === 'all-clusters' ? '' : this.#clusterId();
    if (cluster === undefined) return undefined;
    // No part contains NUL, so two entries never have the same text.
    return `archpolicy:${VERSION}:${kind}:${computeMac(this.#derived.derive('name'), `${kind}\0${cluster}\0${subject}`)}`;
  }
}
