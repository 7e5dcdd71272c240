import type { JsonObject } from '@archpolicy/core';
import { createdMetadata, KubeError, OwnedMetadata, resourcePath, SECRETS } from '@archpolicy/kube';
import type { Api, ApiRequest, OwnerReference } from '@archpolicy/kube';
import { TIMEOUT_MS } from './gatherer.ts';
import { newSecret, secretPatch } from './secret-object.ts';
import type { StoredSecret } from './secret-object.ts';

/** `conflict`: the object has changed since it was read, or another replica has created it. */
export type WriteOutcome = 'written' | 'conflict';

export interface SecretWriterOptions {
  readonly api: Pick<Api, 'request'>;
  readonly namespace: string;
  readonly logger: { warn(fields: Readonly<Record<string, unknown>>, message: string): void };
}

/** Writes one Secret, with a reference to the Deployment with which it is deleted. */
export class SecretWriter {
  readonly #options: SecretWriterOptions;
  readonly #name: string;
  readonly #owned: OwnedMetadata;

  /** @param owner returns undefined while the Deployment is unknown, or if there is none */
  constructor(options: SecretWriterOptions, name: string, owner: () => OwnerReference | undefined) {
    this.#options = options;
    this.#name = name;
    this.#owned = new OwnedMetadata({ owner, logger: options.logger });
  }

  /**
   * Creates the Secret, or replaces the values of the stored one.
   *
   * @throws KubeError for any response but a conflict, or if there is none
   */
  async write(
    stored: StoredSecret | undefined,
    data: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<WriteOutcome> {
    const { namespace } = this.#options;
    const created = createdMetadata({ namespace, name: this.#name });
    return this.#owned.write(stored?.metadata ?? created, (metadata) =>
      stored === undefined
        ? this.#create(newSecret(this.#name, metadata, data), signal)
        : this.#patch(secretPatch(stored, metadata, data), signal),
    );
  }

  /** Adds the owner to a stored Secret that does not have it. A conflict is left to the next check. */
  async adopt(stored: StoredSecret, signal: AbortSignal): Promise<void> {
    if (stored.managedBy !== undefined) return;
    await this.#owned.write(stored.metadata, async (metadata) => {
      if (metadata !== stored.metadata) await this.#patch(secretPatch(stored, metadata), signal);
    });
  }

  #create(body: JsonObject, signal: AbortSignal): Promise<WriteOutcome> {
    const path = resourcePath(SECRETS, { namespace: this.#options.namespace });
    // A 404 for a creation means that the namespace is missing.
    return sendWrite(this.#options.api, { method: 'POST', path, body, signal }, [409]);
  }

  #patch(body: JsonObject, signal: AbortSignal): Promise<WriteOutcome> {
    const path = resourcePath(SECRETS, { namespace: this.#options.namespace, name: this.#name });
    const contentType = 'application/merge-patch+json';
    return sendWrite(this.#options.api, { method: 'PATCH', path, contentType, body, signal }, [404, 409]);
  }
}

/** @throws KubeError for any error status that is no conflict, or if there is no response */
export async function sendWrite(
  api: Pick<Api, 'request'>,
  request: ApiRequest,
  conflicts: readonly number[],
): Promise<WriteOutcome> {
  const answer = await api.request({ ...request, timeoutMs: TIMEOUT_MS });
  if (answer.kind === 'ok') return 'written';
  if (conflicts.includes(answer.status)) return 'conflict';
  const { status, reason } = answer;
  throw new KubeError('Refused', `the API server rejected ${request.method} ${request.path}: ${status} ${reason}`, {
    status,
  });
}
