import { isJsonObject } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';
import { KubeError } from '../errors.ts';

/** Returns `namespace/name`, or `name` for a cluster-scoped object; undefined if `raw` is not a Kubernetes object. */
export function getObjectKey(raw: JsonObject): string | undefined {
  const metadata = raw['metadata'];
  if (!isJsonObject(metadata)) return undefined;
  const { name, namespace } = metadata;
  if (typeof name !== 'string' || name === '') return undefined;
  return typeof namespace === 'string' && namespace !== '' ? `${namespace}/${name}` : name;
}

/** Returns `metadata.resourceVersion` of an object or a list. */
export function getResourceVersion(raw: JsonObject): string | undefined {
  const metadata = raw['metadata'];
  const version = isJsonObject(metadata) ? metadata['resourceVersion'] : undefined;
  return typeof version === 'string' && version !== '' ? version : undefined;
}

/** The metadata of one page of a LIST. */
export interface Page {
  readonly resourceVersion: string;
  readonly continueToken: string | undefined;
}

/**
 * Parses the metadata of a list. Throws KubeError `Malformed` if it is not a list.
 *
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
 * @example {"kind":"PodList","metadata":{"resourceVersion":"10245","continue":"ENCODED_TOKEN","remainingItemCount":753},"items":[…]}
 */
export function parsePage(body: Json): Page {
  const resourceVersion = isJsonObject(body) ? getResourceVersion(body) : undefined;
  if (resourceVersion === undefined) throw new KubeError('Malformed', 'the list has no resourceVersion');
  const token = isJsonObject(body) && isJsonObject(body['metadata']) ? body['metadata']['continue'] : undefined;
  return { resourceVersion, continueToken: typeof token === 'string' && token !== '' ? token : undefined };
}

/** A watch event. */
export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: JsonObject }
  | { readonly type: 'ERROR'; readonly object: JsonObject };

const EVENT_TYPES: ReadonlySet<string> = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']);

/**
 * Parses a line of a watch. Throws KubeError `Malformed` if it is not a watch event.
 *
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 * @example {"type":"MODIFIED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"10596",…},…}}
 * @example {"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"12746"}}}
 * @example {"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired",…}}
 */
export function parseWatchEvent(line: Json): WatchEvent {
  if (isJsonObject(line)) {
    const { type, object } = line;
    if (typeof type === 'string' && EVENT_TYPES.has(type) && isJsonObject(object)) {
      return { type: type as WatchEvent['type'], object };
    }
  }
  throw new KubeError('Malformed', 'the line is not a watch event');
}
