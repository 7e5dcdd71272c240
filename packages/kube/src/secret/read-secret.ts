import { isJsonObject, objectAt, stringAt, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { KubeError } from '../errors.ts';
import type { Api } from '../http/api-client.ts';
import { resourcePath, SECRETS } from '../http/paths.ts';
import type { ApiResponse } from '../http/response.ts';

export interface SecretLocation {
  readonly namespace: string;
  readonly name: string;
}

/** A Secret. Its values are returned by `value` only, so that they do not appear when the object is printed or serialized. */
export class SecretObject {
  readonly type: string;
  /** As sent: resourceVersion, annotations, ownerReferences, … */
  readonly metadata: JsonObject;
  readonly #data: JsonObject;

  constructor({
    type,
    metadata,
    data,
  }: {
    readonly type: string;
    readonly metadata: JsonObject;
    readonly data: JsonObject;
  }) {
    this.type = type;
    this.metadata = metadata;
    this.#data = data;
  }

  /** Returns the decoded value of a key of `data`; undefined if the Secret does not have the key. */
  value(key: string): Buffer | undefined {
    const encoded = stringAt(this.#data, key);
    return encoded === undefined ? undefined : Buffer.from(encoded, 'base64');
  }
}

/** The result of reading one Secret by name. No text in it comes from the Secret. */
export type SecretRead =
  | { readonly kind: 'found'; readonly secret: SecretObject }
  | { readonly kind: 'not-found' }
  /** The account has no right to read it. */
  | { readonly kind: 'forbidden' }
  /** The answer exceeds MAX_SECRET_BYTES. */
  | { readonly kind: 'too-large' }
  /** The API server gave no answer, an error, or an answer that is not this Secret. `cause` is `Timeout` or `status 500`, for example. */
  | { readonly kind: 'unavailable'; readonly cause: string };

/** Timeout of a read. It is far longer than a healthy API server takes. */
const READ_TIMEOUT_MS = 5_000;
/** Maximum size of the answer: several times the content that our Secrets have, in base64 and with metadata. */
export const MAX_SECRET_BYTES = 1024 * 1024;

/**
 * Reads one Secret by name, once.
 * @throws KubeError `Aborted` when the signal is aborted, and nothing else
 */
export async function readSecret(
  api: Pick<Api, 'request'>,
  location: SecretLocation,
  signal: AbortSignal,
): Promise<SecretRead> {
  try {
    const path = resourcePath(SECRETS, location);
    const limits = { timeoutMs: READ_TIMEOUT_MS, maxBytes: MAX_SECRET_BYTES };
    return toSecretRead(await api.request({ method: 'GET', path, signal, ...limits }), location);
  } catch (error) {
    if (!(error instanceof KubeError) || error.code === 'Aborted') throw error;
    return error.code === 'TooLarge' ? { kind: 'too-large' } : { kind: 'unavailable', cause: error.code };
  }
}

function toSecretRead(answer: ApiResponse, location: SecretLocation): SecretRead {
  if (answer.kind === 'refused') {
    const { status, reason } = answer;
    // Only the API server's own 404 means that the Secret does not exist. The page of a proxy has no reason.
    if (status === 404 && reason === 'NotFound') return { kind: 'not-found' };
    if (status === 403 && reason === 'Forbidden') return { kind: 'forbidden' };
    return { kind: 'unavailable', cause: `status ${status}` };
  }
  const { body } = answer;
  const metadata = isJsonObject(body) ? objectAt(body, 'metadata') : {};
  const isWanted = textAt(metadata, 'name') === location.name && textAt(metadata, 'namespace') === location.namespace;
  if (!isJsonObject(body) || !isWanted) return { kind: 'unavailable', cause: 'Malformed' };
  const secret = new SecretObject({ type: textAt(body, 'type') ?? '', metadata, data: objectAt(body, 'data') });
  return { kind: 'found', secret };
}
