import type { JsonObject } from '@archpolicy/core';
import { KubeError } from '../errors.ts';
import { withOwner } from './owner-reference.ts';
import type { OwnerReference } from './owner-reference.ts';

/** Version of the content of the objects that ArchPolicy creates. A process of another version reads it first. */
const FORMAT = '1';

/** Returns the metadata of an object that a process creates. */
export function createdMetadata(location: { readonly namespace: string; readonly name: string }): JsonObject {
  return {
    namespace: location.namespace,
    name: location.name,
    labels: {
      'app.kubernetes.io/name': 'archpolicy',
      'app.kubernetes.io/part-of': 'archpolicy',
      'app.kubernetes.io/managed-by': 'archpolicy',
    },
    annotations: { 'archpolicy.dev/format': FORMAT },
  };
}

export interface OwnedMetadataOptions {
  /** Returns undefined while there is no owner, or while it is unknown. */
  readonly owner: () => OwnerReference | undefined;
  readonly logger: { warn(fields: Readonly<Record<string, unknown>>, message: string): void };
}

/**
 * Adds the owner reference to the writes of an object. A cluster with the admission plugin
 * OwnerReferencesPermissionEnforcement rejects a changed reference of an existing object with 403, because the accounts
 * have no right to delete it. Then the object is written without the change: a Lease must not depend on it. A new object
 * may always have a reference.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#ownerreferencespermissionenforcement
 */
export class OwnedMetadata {
  readonly #options: OwnedMetadataOptions;
  #rejectedUid: string | undefined;

  constructor(options: OwnedMetadataOptions) {
    this.#options = options;
  }

  /**
   * Calls `write` with the metadata to be written.
   *
   * @param current the metadata of the object as it was read, or `createdMetadata`
   */
  async write<T>(current: JsonObject, write: (metadata: JsonObject) => Promise<T>): Promise<T> {
    const owner = this.#options.owner();
    if (owner === undefined || owner.uid === this.#rejectedUid) return write(current);
    const metadata = withOwner(current, owner);
    try {
      return await write(metadata);
    } catch (err) {
      if (metadata === current || !(err instanceof KubeError) || err.status !== 403) throw err;
      const written = await write(current);
      // The write without the reference was accepted: the rejection concerned the reference.
      this.#rejectedUid = owner.uid;
      this.#options.logger.warn({ err, object: current['name'] }, 'the API server rejected the owner reference');
      return written;
    }
  }
}
