import { arrayAt, isJsonObject, objectAt, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';

/** A pod as the suites and the demo use it. */
export interface PlacedPod {
  readonly app: string;
  readonly name: string;
  readonly uid: string;
  /** Empty if the pod is not bound. */
  readonly node: string;
  /** Architecture of its node. */
  readonly architecture: string;
  readonly ready: boolean;
}

/** A pod from a watch. */
export interface SeenPod extends PlacedPod {
  readonly namespace: string;
  readonly phase: string;
  readonly deleting: boolean;
  /** Whether one of the pod's containers has ended or was refused. */
  readonly failing: boolean;
  readonly schedulerName: string;
  /** Whether the scheduler has reported it Unschedulable. */
  readonly unschedulable: boolean;
}

/** Parses a pod of the API server. */
export function parsePod(raw: JsonObject): SeenPod {
  const [metadata, spec, status] = [objectAt(raw, 'metadata'), objectAt(raw, 'spec'), objectAt(raw, 'status')];
  const text = (object: JsonObject, key: string): string => textAt(object, key) ?? '';
  const node = text(spec, 'nodeName');
  const conditions = arrayAt(status, 'conditions').filter(isJsonObject);
  return {
    app: text(objectAt(metadata, 'labels'), 'app'),
    namespace: text(metadata, 'namespace'),
    name: text(metadata, 'name'),
    uid: text(metadata, 'uid'),
    node,
    architecture: nodeArchitecture(node),
    ready: conditions.some((one) => one['type'] === 'Ready' && one['status'] === 'True'),
    phase: text(status, 'phase'),
    deleting: metadata['deletionTimestamp'] !== undefined,
    failing: arrayAt(status, 'containerStatuses').filter(isJsonObject).some(isFailing),
    schedulerName: text(spec, 'schedulerName'),
    unschedulable: conditions.some((one) => one['type'] === 'PodScheduled' && one['reason'] === 'Unschedulable'),
  };
}

function isFailing(container: JsonObject): boolean {
  const [state, lastState] = [objectAt(container, 'state'), objectAt(container, 'lastState')];
  return [state['waiting'], state['terminated'], lastState['terminated']].some(isJsonObject);
}

/** Returns the architecture of a node of the local cluster, whose nodes have names such as `arm64-1`. */
function nodeArchitecture(node: string): string {
  return node.split('-')[0] ?? '';
}

/** Runs kubectl against the cluster. */
export type Kubectl = (args: readonly string[]) => Promise<{ readonly stdout: string }>;

/** A Go template that prints one line per pod that is not terminating. (kubectl's jsonpath has no negation.) */
const TEMPLATE = [
  '{{range .items}}{{if not .metadata.deletionTimestamp}}',
  '{{or .metadata.labels.app ""}}|{{.metadata.name}}|{{.metadata.uid}}|{{or .spec.nodeName ""}}|',
  '{{range .status.conditions}}{{if eq .type "Ready"}}{{.status}}{{end}}{{end}}',
  '{{"\\n"}}{{end}}{{end}}',
].join('');

/** Lists the pods of a namespace that are not terminating. */
export async function listPods(kubectl: Kubectl, namespace: string): Promise<PlacedPod[]> {
  const { stdout } = await kubectl(['get', 'pods', '-n', namespace, '-o', `go-template=${TEMPLATE}`]);
  return stdout.split('\n').filter(Boolean).map(parse);
}

function parse(line: string): PlacedPod {
  const [app = '', name = '', uid = '', node = '', ready = ''] = line.split('|');
  return { app, name, uid, node, architecture: nodeArchitecture(node), ready: ready === 'True' };
}
