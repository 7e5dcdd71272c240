import type { NamespaceFacts } from './facts.ts';
import type { JsonObject } from '../json/json.ts';
import { readNamespaceAnnotations } from './annotations.ts';
import { readNamespaceLabels } from './labels.ts';
import { objectAt, textAt } from '../json/read.ts';

/** Parses a namespace; undefined if it is not a Kubernetes object. */
export function parseNamespace(raw: JsonObject): NamespaceFacts | undefined {
  const metadata = objectAt(raw, 'metadata');
  const name = textAt(metadata, 'name');
  if (name === undefined) return undefined;
  const isDeleting = typeof metadata['deletionTimestamp'] === 'string';
  const facts = { name, labels: readNamespaceLabels(raw), annotations: readNamespaceAnnotations(raw) };
  return isDeleting ? { ...facts, deleting: true } : facts;
}
