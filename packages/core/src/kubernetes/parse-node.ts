import type { NodeFacts, Taint } from './facts.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { arrayAt, objectAt, stringMapAt, textAt } from '../json/read.ts';
import { nodeAllocatable } from './requests.ts';

const EFFECTS: ReadonlySet<string> = new Set<Taint['effect']>(['NoSchedule', 'PreferNoSchedule', 'NoExecute']);

/**
 * Parses a node; undefined if it is not a Kubernetes object. Before the kubelet has reported the architecture,
 * `architecture` is empty. No image supports an empty architecture, and no policy names one.
 */
export function parseNode(raw: JsonObject): NodeFacts | undefined {
  const metadata = objectAt(raw, 'metadata');
  const name = textAt(metadata, 'name');
  if (name === undefined) return undefined;
  const spec = objectAt(raw, 'spec');
  const status = objectAt(raw, 'status');
  const info = objectAt(status, 'nodeInfo');
  const allocatable = nodeAllocatable(status);
  return {
    name,
    uid: textAt(metadata, 'uid') ?? '',
    labels: stringMapAt(metadata, 'labels'),
    taints: arrayAt(spec, 'taints')
      .map(parseTaint)
      .filter((taint) => taint !== undefined),
    ready: isReady(status),
    cordoned: spec['unschedulable'] === true,
    architecture: textAt(info, 'architecture') ?? '',
    os: textAt(info, 'operatingSystem') ?? '',
    ...(allocatable !== undefined && { allocatable }),
  };
}

function isReady(status: JsonObject): boolean {
  return arrayAt(status, 'conditions').some(
    (condition) => isJsonObject(condition) && condition['type'] === 'Ready' && condition['status'] === 'True',
  );
}

function parseTaint(raw: Json): Taint | undefined {
  if (!isJsonObject(raw)) return undefined;
  const key = textAt(raw, 'key');
  const effect = textAt(raw, 'effect');
  if (key === undefined || !isEffect(effect)) return undefined;
  return { key, value: textAt(raw, 'value') ?? '', effect };
}

function isEffect(value: string | undefined): value is Taint['effect'] {
  return value !== undefined && EFFECTS.has(value);
}
