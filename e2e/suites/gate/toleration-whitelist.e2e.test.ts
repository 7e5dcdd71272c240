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

jest.setTimeout(120_000);

/** Generous: the machine does other things. */
const PATIENCE_MS = 60_000;
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

test('PL8 a cluster-wide whitelist without our tolerations: the policy shows it, and every pod runs', async () => {
  const image = await pushImage(cluster.get('REGISTRY'), 'shop/web', 'v1', ['linux/amd64', 'linux/arm64']);
  const create = async (name: string): Promise<void> => {
    await kubectl(['apply', '-f', '-'], JSON.stringify(workload('Deployment', name, image.reference, { replicas: 2 })));
  };
  // No node has a taint yet: no toleration, nothing refused.
  await create('before');
  await until('two pods that run before', async () => (await nodesOf('before')).length === 2);

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
  const degraded = await until('the condition', async () => {
    const { conditions } = await policyStatus();
    const all: readonly Json[] = Array.isArray(conditions) ? (conditions as readonly Json[]) : [];
    return all.find((one) => isJsonObject(one) && one['type'] === 'Degraded' && one['status'] === 'True') ?? false;
  });
  expect(degraded).toMatchObject({
    reason: 'TolerationsRefused',
    message: expect.stringContaining('conflict with its cluster whitelist') as unknown,
  });

  // Preferred are nodes that need the toleration: the pods go where they need none.
  await create('after');
  const nodes = await until('two pods that run after', async () => {
    const found = await nodesOf('after');
    return found.length === 2 && found;
  });
  expect(nodes.filter((name) => !name.startsWith('amd64-'))).toEqual([]);
});

function patch(spec: JsonObject): string {
  return JSON.stringify({ spec });
}

async function policyStatus(): Promise<JsonObject> {
  const policy = JSON.parse(await kubectl(['get', 'archpolicy', 'default', '-o', 'json'])) as JsonObject;
  return isJsonObject(policy['status']) ? policy['status'] : {};
}

/** The nodes of the pods with this label that have one. */
async function nodesOf(app: string): Promise<readonly string[]> {
  const path = 'jsonpath={range .items[*]}{.spec.nodeName}{"\\n"}{end}';
  return (await kubectl(['get', 'pods', '-l', `app=${app}`, '-o', path])).split('\n').filter((name) => name !== '');
}

async function kubectl(args: readonly string[], stdin?: string): Promise<string> {
  const { status, stdout, stderr } = await cluster.kubectl(args, stdin);
  if (status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

function until<T>(what: string, condition: () => Promise<T>): ReturnType<typeof waitFor<T>> {
  return waitFor(condition, { timeoutMs: PATIENCE_MS, what });
}
