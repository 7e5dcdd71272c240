import { listPods } from '../../support/pods.ts';
import type { PlacedPod } from '../../support/pods.ts';
import { runProgram, runQuietly } from './terminal.ts';
import type { Terminal } from './terminal.ts';

/** An outcome that the story announces, and whether it was observed. */
export interface Observation {
  readonly what: string;
  readonly isMet: boolean;
}

export interface StoryContext {
  readonly terminal: Terminal;
  /** Environment of the commands: KUBECONFIG, CLUSTER_DIR, and the cluster's kubectl first on PATH. */
  readonly env: NodeJS.ProcessEnv;
  /** Waits until the condition is true. Returns false after the given time. */
  readonly waitUntil: (condition: () => Promise<boolean>, seconds: number) => Promise<boolean>;
  /** Path of the applications' manifest. */
  readonly apps: string;
  readonly policy: string;
}

const NAMESPACE = 'shop';
const COUNTS = '{.status.pods.matched}|{.status.pods.misplaced}|{.status.pods.evicted}';

/** Architectures on which each application's image runs. */
const RUNS_ON: Readonly<Record<string, readonly string[]>> = {
  billing: ['arm64'],
  legacy: ['amd64'],
  web: ['amd64', 'arm64'],
};

const fits = ({ app, architecture }: PlacedPod): boolean => RUNS_ON[app]?.includes(architecture) ?? false;
const misplaced = (pods: readonly PlacedPod[]): PlacedPod[] => pods.filter((pod) => pod.node !== '' && !fits(pod));
const podsOfApp = (pods: readonly PlacedPod[], app: string): PlacedPod[] => pods.filter((pod) => pod.app === app);

async function pods(stage: StoryContext): Promise<PlacedPod[]> {
  return await listPods(async (args) => ({ stdout: (await runProgram('kubectl', args, stage.env)).output }), NAMESPACE);
}

/** Deploys the applications without ArchPolicy. Returns the pods, some of which crash. */
export async function bootstrap(stage: StoryContext): Promise<{ before: PlacedPod[]; observations: Observation[] }> {
  const { terminal, env, waitUntil: until, apps } = stage;
  terminal.heading(
    'A cluster of two amd64 and two arm64 nodes. The scheduler does not know on which of them an image runs.',
  );
  await terminal.run('kubectl get nodes -L kubernetes.io/arch', env);
  terminal.heading('Three teams deploy: billing is built for arm64, legacy for amd64, web for both.');
  await terminal.run(`kubectl apply -f ${apps}`, env);
  const settled = await until(async () => {
    const now = await pods(stage);
    return now.length === 12 && now.every((pod) => pod.node !== '') && now.every((pod) => pod.ready === fits(pod));
  }, 20);
  await terminal.run(`kubectl get pods -n ${NAMESPACE} -o wide`, env);
  const before = await pods(stage);
  const wrong = misplaced(before);
  terminal.print('text', `${wrong.length} of ${before.length} pods crash: their node cannot run their image.`);
  return {
    before,
    observations: [
      { what: 'without ArchPolicy, pods land on nodes that cannot run them', isMet: settled && wrong.length > 0 },
    ],
  };
}

/** Installs ArchPolicy and applies the policy. */
export async function install(stage: StoryContext): Promise<Observation[]> {
  const { terminal, env, policy } = stage;
  terminal.heading('ArchPolicy is installed: webhook and operator, with the RBAC of deploy/.');
  const up = await terminal.run('make up POLICY=none', env);
  terminal.heading('One policy for the whole cluster: where an image supports both, prefer amd64.');
  const applied = await terminal.run(`kubectl apply -f ${policy}`, env);
  return [
    { what: 'ArchPolicy is installed, and kubectl apply enables the policy', isMet: up.status + applied.status === 0 },
  ];
}

/** Waits until the operator has moved the misplaced pods. */
export async function remediate(stage: StoryContext, before: readonly PlacedPod[]): Promise<Observation[]> {
  const { terminal, env, waitUntil: until } = stage;
  terminal.heading('The operator evicts misplaced pods. Their replacements run on the right nodes.');
  terminal.print('text', 'The operator evaluates pods 30 s after scheduling (gracePeriodAfterScheduling) …');
  const moved = await until(async () => {
    const now = await pods(stage);
    return now.length === 12 && now.every((pod) => fits(pod) && pod.ready);
  }, 60);
  await terminal.run(`kubectl get events -n ${NAMESPACE} --field-selector reason=Misplaced`, env);
  await terminal.run(`kubectl get pods -n ${NAMESPACE} -o wide`, env);
  const after = new Set((await pods(stage)).map(({ uid }) => uid));
  const untouched = before.filter(fits).every(({ uid }) => after.has(uid));
  const evicted = misplaced(before).every(({ uid }) => !after.has(uid));
  return [
    { what: 'every misplaced pod was replaced on a node that runs it', isMet: moved && evicted },
    { what: 'every well-placed pod kept running', isMet: untouched },
  ];
}

/** Scales the applications: the webhook constrains new pods. */
export async function placeNewPods(stage: StoryContext): Promise<Observation[]> {
  const { terminal, env, waitUntil: until } = stage;
  terminal.heading('From now on the webhook inspects the images of new pods, which start on the right nodes.');
  await terminal.run(`kubectl scale deployment -n ${NAMESPACE} billing web --replicas=8`, env);
  const ready = await until(async () => {
    const now = await pods(stage);
    return (
      podsOfApp(now, 'billing').length === 8 && podsOfApp(now, 'web').length === 8 && now.every((pod) => pod.ready)
    );
  }, 20);
  await terminal.run(`kubectl get pods -n ${NAMESPACE} -o wide --sort-by=.metadata.creationTimestamp | tail -8`, env);
  const restarts = await terminal.run(
    `kubectl get pods -n ${NAMESPACE} -o jsonpath='{range .items[*]}{.status.containerStatuses[0].restartCount}{"\\n"}{end}' | sort | uniq -c`,
    env,
  );
  const now = await pods(stage);
  return [
    {
      what: 'new pods of the arm64 image all run on arm64, none crashed',
      isMet: ready && misplaced(now).length === 0 && /^\s*\d+ 0$/.test(restarts.output),
    },
  ];
}

/** Shows the counts in the policy's status. */
export async function showCounts(stage: StoryContext): Promise<Observation[]> {
  const { terminal, env, waitUntil: until } = stage;
  terminal.heading('The status of the policy.');
  const counted = await until(async () => {
    const { output } = await runQuietly(`kubectl get archpolicy default -o jsonpath='${COUNTS}'`, env);
    const [matched, wrong, evicted] = output.split('|').map(Number);
    return matched === 20 && wrong === 0 && (evicted ?? 0) > 0;
  }, 15);
  await terminal.run('kubectl get archpolicies -o wide', env);
  return [{ what: 'kubectl get archpolicies counts the pods, none of them misplaced', isMet: counted }];
}
