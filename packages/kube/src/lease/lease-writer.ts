import { objectAt } from '@archpolicy/core';
import type { Logger } from 'pino';
import type { Api } from '../http/api-client.ts';
import { createdMetadata, OwnedMetadata } from '../owner/owned-metadata.ts';
import type { OwnerReference } from '../owner/owner-reference.ts';
import { writeLease } from './lease-api.ts';
import type { LeaseLocation } from './lease-api.ts';
import { leaseBody } from './lease-object.ts';
import type { LeaseObject, LeaseSpec } from './lease-object.ts';

export interface LeaseWriterOptions {
  readonly api: Pick<Api, 'request'>;
  readonly lease: LeaseLocation;
  /** The Deployment with which the Lease is deleted; absent for a Lease without an owner. */
  readonly owner?: () => OwnerReference | undefined;
  readonly logger: Pick<Logger, 'warn'>;
}

/** Writes one Lease, with a reference to the Deployment of its holder. */
export class LeaseWriter {
  readonly #options: LeaseWriterOptions;
  readonly #metadata: OwnedMetadata;

  constructor(options: LeaseWriterOptions) {
    this.#options = options;
    this.#metadata = new OwnedMetadata({ owner: options.owner ?? (() => undefined), logger: options.logger });
  }

  /** Creates the Lease, or replaces `current`. Returns undefined after a conflict, and throws, as `writeLease` does. */
  write(
    spec: LeaseSpec,
    current: LeaseObject | undefined,
    signal: AbortSignal,
    timeoutMs?: number,
  ): Promise<LeaseObject | undefined> {
    const { api, lease: location } = this.#options;
    const metadata = current === undefined ? createdMetadata(location) : objectAt(current.raw, 'metadata');
    return this.#metadata.write(metadata, (owned) => {
      const write = { body: leaseBody(owned, spec, current), create: current === undefined };
      return writeLease(api, location, write, signal, timeoutMs);
    });
  }
}
