import { isJsonObject } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';
import {
  pushImage,
  START_TIMEOUT_MILLISECONDS,
  startCluster,
  waitFor,
  writeTolerationWhitelist,
} from '@archpolicy/e2e';
import type { TestCluster, TolerationWhitelist } from '@archpolicy/e2e';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { workload } from './gate-suite.ts';

jest.setTimeout(240_000);

/** Timeout of a wait. It is long, because the machine may be busy. */
const PATIENCE_MS = 60_000;
/**
 * Timeout of the wait for the next verdict. ArchPolicy checks once a minute whether the cluster accepts tolerations.
 */
const NEXT_VERDICT_MS = 120_000;
/** The whitelist of a namespace. It applies instead of the whitelist of the cluster. */
const WHITELIST = [
  ...['not-ready', 'unreachable'].map((name) => ({ key: `node.kubernetes.io/${name}`, operator: 'Exists' })),
  { key: 'kubernetes.io/arch', operator: 'Exists' },
];
let whitelist: TolerationWhitelist;
let cluster: TestCluster;

beforeAll(async () => {
  whitelist = await writeTolerationWhitelist();
  cluster = await startCluster({ apiServerFlags: whitelist.apiServerFlags });
}, START_TIMEOUT_MILLISECONDS);

afterAll(async () => {
  await cluster.stop();
  await whitelist.remove();
});

test('PL8 a whitelist without our tolerations: the policy shows it, every pod runs, and once it admits them pods get them', async () => {
  const image = await pushImage(cluster.get('REGISTRY'), 'shop/web', 'v1', ['linux/amd64', 'linux/arm64']);
  const create = async (name: string): Promise<void> => {
    await kubectl(['apply', '-f', '-'], JSON.stringify(workload('Deployment', name, image.reference, { replicas: 2 })));
  };
  // No node has a taint yet, so the pods get no toleration, and the cluster rejects no pod.
  await create('before');
  await until('two pods that run before', async () => (await listNodes('before')).length === 2);

  await kubectl([
    'patch',
    'archpolicy',
    'default',
    '--type=merge',
    '-p',
    patch({ preference: { architectures: ['arm64'] } }),
  ]);
  await kubectl(['taint', 'nodes', '-l', 'kubernetes.io/arch=arm64', 'kubernetes.io/arch=arm64:NoSchedule']);
  await until('the verdict', async () => (await policyStatus())['tolerations'] === 'Refused');
  const degraded = await until('the condition', async () => (await degradedCondition()) ?? false);
  expect(degraded).toMatchObject({
    reason: 'TolerationsRefused',
    message: expect.stringContaining('conflict with its cluster whitelist') as unknown,
  });

  // The preferred nodes need the toleration, which the cluster rejects. So the pods run on nodes that need no
  // toleration.
  await create('after');
  const nodes = await until('two pods that run after', async () => {
    const found = await listNodes('after');
    return found.length === 2 && found;
  });
  expect(nodes.filter((name) => !name.startsWith('amd64-'))).toEqual([]);

  const annotation = 'scheduler.alpha.kubernetes.io/tolerationsWhitelist';
  await kubectl(['annotate', 'namespace', 'archpolicy-probe', `${annotation}=${JSON.stringify(WHITELIST)}`]);
  // An empty whitelist admits all tolerations.
  await kubectl(['annotate', 'namespace', 'default', `${annotation}=`]);
  const accepted = async (): Promise<boolean> => (await policyStatus())['tolerations'] === 'Accepted';
  await until('the next verdict', accepted, NEXT_VERDICT_MS);
  await until('the end of the condition', async () => (await degradedReason()) !== 'TolerationsRefused');

  await create('recovered');
  const preferred = await until('two pods with the toleration', async () => {
    const found = await listNodes('recovered');
    return found.length === 2 && found;
  });
  expect(preferred.filter((name) => !name.startsWith('arm64-'))).toEqual([]);
});

function patch(spec: JsonObject): string {
  return JSON.stringify({ spec });
}

async function policyStatus(): Promise<JsonObject> {
  const policy = JSON.parse(await kubectl(['get', 'archpolicy', 'default', '-o', 'json'])) as JsonObject;
  return isJsonObject(policy['status']) ? policy['status'] : {};
}

/** Returns the condition Degraded if it is True. */
async function degradedCondition(): Promise<JsonObject | undefined> {
  const { conditions } = await policyStatus();
  const all: readonly Json[] = Array.isArray(conditions) ? (conditions as readonly Json[]) : [];
  return all.filter(isJsonObject).find((one) => one['type'] === 'Degraded' && one['status'] === 'True');
}

async function degradedReason(): Promise<Json | undefined> {
  return (await degradedCondition())?.['reason'];
}

/** Returns the nodes of the bound pods with this label. */
async function listNodes(app: string): Promise<readonly string[]> {
  const path = 'jsonpath={range .items[*]}{.spec.nodeName}{"\\n"}{end}';
  return (await kubectl(['get', 'pods', '-l', `app=${app}`, '-o', path])).split('\n').filter((name) => name !== '');
}

function kubectl(args: readonly string[], stdin?: string): Promise<string> {
  return cluster.kubectlOutput(args, stdin);
}

function until<T>(
  what: string,
  condition: () => Promise<T>,
  timeoutMs: number = PATIENCE_MS,
): ReturnType<typeof waitFor<T>> {
  return waitFor(condition, { timeoutMs, what });
}
