/** A pod as the suites and the demo look at it. */
export interface PlacedPod {
  readonly app: string;
  readonly name: string;
  readonly uid: string;
  /** Empty while it is not bound. */
  readonly node: string;
  /** Of its node: the local cluster names its nodes `ARCH-N`. */
  readonly architecture: string;
  readonly ready: boolean;
}

/** Runs kubectl with these arguments against the cluster in question. */
export type Kubectl = (args: readonly string[]) => Promise<{ readonly stdout: string }>;

/** One line a pod that is not being deleted. kubectl's jsonpath has no negation. */
const TEMPLATE = [
  '{{range .items}}{{if not .metadata.deletionTimestamp}}',
  '{{or .metadata.labels.app ""}}|{{.metadata.name}}|{{.metadata.uid}}|{{or .spec.nodeName ""}}|',
  '{{range .status.conditions}}{{if eq .type "Ready"}}{{.status}}{{end}}{{end}}',
  '{{"\\n"}}{{end}}{{end}}',
].join('');

/** The pods of a namespace that are not being deleted. */
export async function podsOf(kubectl: Kubectl, namespace: string): Promise<PlacedPod[]> {
  const { stdout } = await kubectl(['get', 'pods', '-n', namespace, '-o', `go-template=${TEMPLATE}`]);
  return stdout.split('\n').filter(Boolean).map(parse);
}

function parse(line: string): PlacedPod {
  const [app = '', name = '', uid = '', node = '', ready = ''] = line.split('|');
  return { app, name, uid, node, architecture: node.split('-')[0] ?? '', ready: ready === 'True' };
}
