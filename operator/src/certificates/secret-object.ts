import { arrayAt, isJsonObject, objectAt, stringAt, textAt, withoutUndefined } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';
import { createdMetadata } from '@archpolicy/kube';
import { OPERATOR, WEBHOOK } from '@archpolicy/process';

/** The Secret with the CA and its key, of the operator alone. */
export const AUTHORITY_SECRET = 'archpolicy-webhook-ca';
/** The Secret with the serving certificate, which the webhook reads. */
export const SERVING_SECRET = 'archpolicy-webhook-tls';
/** The Secret with the password of Redis and the key of the shared cache. */
export const CACHE_SECRET = 'archpolicy-cache';

/** The type of each Secret that the operator writes. The API server rejects a change of a type. */
export const SECRET_TYPES: Readonly<Record<string, string>> = {
  [AUTHORITY_SECRET]: 'Opaque',
  [SERVING_SECRET]: 'kubernetes.io/tls',
  [CACHE_SECRET]: 'Opaque',
};

/** A Secret as read. */
export interface StoredSecret {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly metadata: JsonObject;
  /** What else manages it; undefined: the operator may write it. */
  readonly managedBy: string | undefined;
  /** Returns a value as text; empty if it is missing. */
  readonly text: (key: string) => string;
}

/**
 * Parses a Secret.
 *
 * @see https://github.com/kubernetes/api/blob/v0.36.3/core/v1/types.go (`Secret`)
 * @example {"metadata":{"name":"archpolicy-webhook-tls","uid":"2f8c…","resourceVersion":"4711"},"type":"kubernetes.io/tls",
 *   "data":{"tls.crt":"LS0t…","tls.key":"LS0t…"}}
 */
export function parseSecret(body: Json, name: string): StoredSecret {
  const object = isJsonObject(body) ? body : {};
  const metadata = objectAt(object, 'metadata');
  const data = objectAt(object, 'data');
  return {
    name,
    uid: textAt(metadata, 'uid') ?? '',
    resourceVersion: textAt(metadata, 'resourceVersion') ?? '',
    metadata,
    managedBy: findManager(object, SECRET_TYPES[name] ?? 'Opaque'),
    text: (key) => Buffer.from(stringAt(data, key) ?? '', 'base64').toString('utf8'),
  };
}

/** Finds what else manages a Secret: cert-manager by its annotations, a controller by its reference, or the type. */
function findManager(object: JsonObject, expectedType: string): string | undefined {
  const metadata = objectAt(object, 'metadata');
  const annotations = Object.keys(objectAt(metadata, 'annotations'));
  if (annotations.some((key) => key.startsWith('cert-manager.io/'))) return 'cert-manager';
  const owner = arrayAt(metadata, 'ownerReferences').find((reference) => !isOurDeployment(reference));
  if (isJsonObject(owner)) return `${textAt(owner, 'kind') ?? 'an owner'} ${textAt(owner, 'name') ?? ''}`.trim();
  const type = textAt(object, 'type') ?? 'Opaque';
  return type === expectedType ? undefined : `something else (its type is ${type}, not ${expectedType})`;
}

/** Whether an owner reference names one of our Deployments, by which the Secret is deleted with the installation. */
function isOurDeployment(reference: Json): boolean {
  if (!isJsonObject(reference) || reference['kind'] !== 'Deployment') return false;
  return reference['name'] === WEBHOOK || reference['name'] === OPERATOR;
}

/** Builds a new Secret with this metadata. */
export function newSecret(name: string, metadata: JsonObject, data: Readonly<Record<string, string>>): JsonObject {
  return { apiVersion: 'v1', kind: 'Secret', metadata, type: SECRET_TYPES[name] ?? 'Opaque', data: encode(data) };
}

/**
 * Builds the merge patch that replaces values and the owners of a Secret, if it still has this resource version. Other labels and
 * annotations remain.
 */
export function secretPatch(
  secret: Pick<StoredSecret, 'name' | 'resourceVersion'>,
  metadata: JsonObject,
  data: Readonly<Record<string, string>> = {},
): JsonObject {
  const { labels, annotations } = createdMetadata({ namespace: '', name: secret.name });
  const owners = metadata['ownerReferences'];
  return withoutUndefined({
    metadata: withoutUndefined({
      ...{ resourceVersion: secret.resourceVersion, labels, annotations, ownerReferences: owners },
    }),
    data: Object.keys(data).length === 0 ? undefined : encode(data),
  });
}

function encode(data: Readonly<Record<string, string>>): JsonObject {
  return Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]));
}
