import { join } from 'node:path';
import { compileCache, waitFor } from '@archpolicy/e2e';
import type { JsonObject } from '@archpolicy/core';
import { freePort } from '@archpolicy/testkit';
import { subtractCpu, readClusterCpu } from '../cluster-cpu.ts';
import type { CpuByProcess } from '../cluster-cpu.ts';
import { podTemplate, workload } from '../../support/manifests.ts';
import { runsOnArm64 } from '../../suites/operator/cases.ts';
import { OperatorSuite } from '../../suites/operator/operator-suite.ts';
import type { Case, Images } from '../../suites/operator/cases.ts';
import type { Figure } from './figures.ts';
import { startOperator } from './operator-process.ts';
import type { ObservedOperator } from './operator-process.ts';

const REGISTRIES = join(import.meta.dirname, '../../../deploy/overlays/local/registries.yaml');
/**
 * Number of owners. A new leader evicts only one pod of an owner at a time (R6), so there are many owners, as in a real
 * cluster.
 */
const DEPLOYMENTS = 200;
const REPLICAS = 5;
const PODS = DEPLOYMENTS * REPLICAS;
const NAMESPACES = Array.from({ length: 10 }, (_, at) => `bench-${at}`);
/** Of the policy and of all policies together. With the defaults of 60 and 300, a thousand pods of one policy take 17 minutes. */
const EVICTIONS_PER_MINUTE = 2_000;
const TIMEOUT_MS = 300_000;

/** Explanations of missed targets, based on profiles of this bench. */
const START = 'most of it passes until the operator is ready (below): it loads its modules and reads its lists';
const BUSY_API_SERVER = `${START}; then the API server handles the first evictions on the same two cores`;
const CONTROL_PLANE = 'the control plane deletes, creates, schedules and runs 1,000 pods on two cores (below)';

/**
 * 1,000 misplaced pods. Their nodes refuse the pull, so that the pods stay Pending, and neither budgets nor readiness
 * delay evictions.
 */
const thousand: Case = {
  namespaces: NAMESPACES,
  spec: { remediation: { maxEvictionsPerMinute: EVICTIONS_PER_MINUTE } },
  objects: ({ arm64 }: Images): readonly JsonObject[] =>
    Array.from({ length: DEPLOYMENTS }, (_, at) => {
      const template = podTemplate(`app-${at}`, arm64, { refusedAtPull: true });
      const namespace = NAMESPACES[at % NAMESPACES.length] ?? '';
      return workload('Deployment', namespace, `app-${at}`, template, { replicas: REPLICAS });
    }),
};

/** Measures how 1,000 existing misplaced pods are found, evicted and replaced. */
export async function misplacedPods(): Promise<readonly Figure[]> {
  const suite = new OperatorSuite();
  let operator: ObservedOperator | undefined;
  try {
    await suite.start([thousand]);
    let firstEvictedAt = Number.NaN;
    const old = new Set(suite.before.map(({ uid }) => uid));
    suite.live.onPod(({ uid, deleting }) => {
      if (deleting && old.has(uid) && Number.isNaN(firstEvictedAt)) firstEvictedAt = performance.now();
    });
    const cpuBefore = await readClusterCpu(suite.cluster);
    operator = startOperator(environment(suite), await freePort());
    const started = operator;
    const found = waitUntilFound(started).then(() => started.sinceStart());
    const ready = started.ready().then(() => started.sinceStart());
    await until('all replacements to run on arm64 nodes', () => {
      const pods = suite.live.allPods().filter(({ namespace }) => NAMESPACES.includes(namespace));
      return pods.length === PODS && pods.every(runsOnArm64);
    });
    const finished = started.sinceStart();
    const cluster = subtractCpu(cpuBefore, await readClusterCpu(suite.cluster));
    const cpu = new Map(cluster).set('operator', (await started.cpuSeconds()) * 1_000);
    return [
      { name: '1,000 misplaced pods: all found', unit: 's', value: await found, max: 5, profile: BUSY_API_SERVER },
      {
        name: 'from process start to the first eviction',
        unit: 's',
        value: (firstEvictedAt - started.startedAtMs) / 1_000,
        max: 3,
        profile: START,
      },
      {
        name: '1,000 misplaced pods: all evicted and correctly replaced',
        unit: 's',
        value: finished,
        max: 60,
        profile: CONTROL_PLANE,
      },
      { name: 'from process start until ready: modules loaded, lists complete', unit: 's', value: await ready },
      { name: 'CPU time until all are replaced: operator', unit: 's', value: sumSeconds(cpu, 'operator') },
      { name: 'CPU time until all are replaced: API server', unit: 's', value: sumSeconds(cpu, 'kube-apiserver') },
      { name: 'CPU time until all are replaced: all processes', unit: 's', value: sumSeconds(cpu, ...cpu.keys()) },
    ];
  } finally {
    await operator?.stop();
    await suite.stop();
  }
}

/** Waits until the operator has counted all misplaced pods, including evicted ones. */
async function waitUntilFound(operator: ObservedOperator): Promise<void> {
  await operator.ready();
  await until('all misplaced pods to be found', async () => {
    const metrics = await operator.metrics();
    const evicted = metrics.value('archpolicy_evictions_total{result="evicted"}');
    return metrics.value('archpolicy_misplaced_pods') + evicted >= PODS;
  });
}

function environment({ cluster }: OperatorSuite): Readonly<Record<string, string>> {
  return {
    // The local cluster also sets this variable. The memory bench does not, because the cache uses memory.
    NODE_COMPILE_CACHE: compileCache,
    ARCHPOLICY_KUBECONFIG: join(cluster.directory, 'run', 'archpolicy-operator.kubeconfig'),
    ARCHPOLICY_CERTIFICATES: 'external',
    ARCHPOLICY_REGISTRIES_FILE: REGISTRIES,
    ARCHPOLICY_LOG_LEVEL: 'warn',
    ARCHPOLICY_MAX_EVICTIONS_PER_MINUTE: String(EVICTIONS_PER_MINUTE),
  };
}

function sumSeconds(cpu: CpuByProcess, ...processes: readonly string[]): number {
  return processes.reduce((sum, name) => sum + (cpu.get(name) ?? 0), 0) / 1_000;
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  await waitFor(condition, { what, timeoutMs: TIMEOUT_MS, intervalMs: 50 });
}
