import { runQuietly } from './terminal.ts';

/** What the story checks of one pod. */
export interface PodLine {
  readonly app: string;
  readonly name: string;
  readonly uid: string;
  /** Node name; empty while the pod is not scheduled. */
  readonly node: string;
  /** The node's architecture: the local cluster names its nodes `ARCH-N`. */
  readonly architecture: string;
  readonly ready: boolean;
}

const COLUMNS = [
  '{.metadata.labels.app}',
  '{.metadata.name}',
  '{.metadata.uid}',
  '{.spec.nodeName}',
  '{.status.conditions[?(@.type=="Ready")].status}',
].join('{"|"}');

/** The pods of a namespace that are not being deleted. */
export async function listPods(namespace: string, env: NodeJS.ProcessEnv): Promise<PodLine[]> {
  const template = `{range .items[?(!@.metadata.deletionTimestamp)]}${COLUMNS}{"\\n"}{end}`;
  const { status, output } = await runQuietly(`kubectl get pods -n ${namespace} -o jsonpath='${template}'`, env);
  if (status !== 0) return [];
  return output.split('\n').filter(Boolean).map(parse);
}

function parse(line: string): PodLine {
  const [app = '', name = '', uid = '', node = '', ready = ''] = line.split('|');
  return { app, name, uid, node, architecture: node.split('-')[0] ?? '', ready: ready === 'True' };
}
