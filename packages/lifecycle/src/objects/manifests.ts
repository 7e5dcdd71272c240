import { isJsonObject, objectAt, textAt } from '@archpolicy/core';
import type { Json } from '@archpolicy/core';
import { parseAllDocuments } from 'yaml';
import { LifecycleError } from '../errors.ts';

/** An object of the manifests. */
export interface ManifestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

/**
 * Reads the output of `kubectl kustomize`.
 *
 * @throws LifecycleError `BadManifests`
 */
export function parseManifests(text: string): readonly ManifestObject[] {
  const documents = parseAllDocuments(text);
  if (documents.length === 0) throw new LifecycleError('BadManifests', 'the file with the manifests is empty');
  return documents.map((document, index) => {
    const [error] = document.errors;
    if (error !== undefined) {
      throw new LifecycleError('BadManifests', `document ${index + 1} of the manifests is not YAML (${error.code})`);
    }
    return parseObject(document.toJS() as Json, index);
  });
}

function parseObject(value: Json, index: number): ManifestObject {
  const object = isJsonObject(value) ? value : {};
  const metadata = objectAt(object, 'metadata');
  const [apiVersion, kind, name] = [textAt(object, 'apiVersion'), textAt(object, 'kind'), textAt(metadata, 'name')];
  if (apiVersion === undefined || kind === undefined || name === undefined) {
    throw new LifecycleError('BadManifests', `document ${index + 1} of the manifests has no apiVersion, kind or name`);
  }
  const namespace = textAt(metadata, 'namespace');
  return { apiVersion, kind, name, ...(namespace !== undefined && { namespace }) };
}

/** Returns how the object is named in lists: `Deployment archpolicy-system/archpolicy-webhook`. */
export function describeObject({ kind, namespace, name }: Pick<ManifestObject, 'kind' | 'namespace' | 'name'>): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}
