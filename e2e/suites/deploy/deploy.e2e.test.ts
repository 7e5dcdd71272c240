import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { JsonObject } from '@archpolicy/core';
import type { Resource } from '@archpolicy/kube';
import { START_TIMEOUT_MILLISECONDS, startCluster, waitFor } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { LiveCluster } from '../../support/live-cluster.ts';
import { expandRule, parseQuestion } from './access-reviews.ts';
import type { Rule } from './access-reviews.ts';
import {
  COMPONENTS,
  findCertManagerCrds,
  OVERLAYS,
  renderWorkloads,
  toPod,
  writeOverlay,
  writeOverlayWith,
} from './overlays.ts';
import { OPERATOR, QUESTIONS, WEBHOOK } from './rights.ts';
import type { Rights } from './rights.ts';

const ROOT = join(import.meta.dirname, '../../..');
const kustomizeFlag = (path: string): string => `--kustomize=${resolve(ROOT, path)}`;
const APPLY = ['apply', '--server-side'];
const STRICT = [...APPLY, '--dry-run=server', '--validate=strict'];
const DEFAULT_POLICY = `--filename=${join(ROOT, 'deploy/policies/default.yaml')}`;
const WEBHOOK_CONFIGURATION = ['mutatingwebhookconfiguration', 'archpolicy'];
const ACCOUNTS = 'system:serviceaccount:archpolicy-system';
const account = (name: string): string => `--as=${ACCOUNTS}:archpolicy-${name}`;
const GROUPS_OF_ACCOUNTS = [
  'system:serviceaccounts',
  'system:serviceaccounts:archpolicy-system',
  'system:authenticated',
];
const REVIEWS: Resource = { group: 'authorization.k8s.io', version: 'v1', resource: 'subjectaccessreviews' };

// On a busy machine kubectl can take several seconds.
jest.setTimeout(60_000);

let cluster: TestCluster;
let live: LiveCluster;
let folder: string;

/** Returns the output of kubectl. Warnings of the API server fail too. */
async function kubectl(args: readonly string[], stdin?: string): Promise<string> {
  const { status, stdout, stderr } = await cluster.kubectl(args, stdin);
  if (status !== 0 || stderr !== '') throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

const create = (object: JsonObject, ...flags: string[]): Promise<string> =>
  kubectl(['create', '--filename=-', ...flags], JSON.stringify(object));

const get = async (...args: string[]): Promise<JsonObject> =>
  JSON.parse(await kubectl(['get', ...args, '--output=json'])) as JsonObject;

beforeAll(async () => {
  cluster = await startCluster({ only: 'api-server' });
  live = LiveCluster.open(cluster.get('KUBECONFIG'));
  folder = await realpath(await mkdtemp(join(tmpdir(), 'archpolicy-overlays-')));
}, START_TIMEOUT_MILLISECONDS);

afterAll(async () => {
  await live.close();
  await cluster.stop();
  await rm(folder, { recursive: true });
});

describe('the quick start', () => {
  test('consists of two commands, for ArchPolicy and for the policy, and is idempotent', async () => {
    const first = await kubectl([...APPLY, kustomizeFlag('deploy/overlays/small')]);
    expect(first).toContain('deployment.apps/archpolicy-webhook serverside-applied');
    await kubectl(['wait', '--for=condition=Established', 'crd/archpolicies.archpolicy.dev']);
    expect(await kubectl(['apply', DEFAULT_POLICY])).toBe('archpolicy.archpolicy.dev/default created\n');
    expect(await kubectl(['diff', '--server-side', kustomizeFlag('deploy/overlays/small')])).toBe('');
    expect(await kubectl(['get', 'archpolicies', '--no-headers', '--output=custom-columns=:.spec.mode'])).toBe(
      'Audit\n',
    );
  });

  test('the documented command switches to Enforce', async () => {
    await kubectl(['patch', 'archpolicy', 'default', '--type=merge', '--patch={"spec":{"mode":"Enforce"}}']);
    expect(await get('archpolicy', 'default')).toMatchObject({ spec: { mode: 'Enforce' } });
    expect(await kubectl(['apply', DEFAULT_POLICY])).toBe('archpolicy.archpolicy.dev/default configured\n');
  });

  test('production replaces small: more replicas, budgets and Redis', async () => {
    await kubectl([...APPLY, kustomizeFlag('deploy/overlays/production')]);
    const format = '--output=custom-columns=:.metadata.name,:.spec.replicas';
    const namespace = '--namespace=archpolicy-system';
    const deployments = await kubectl(['get', 'deployments', namespace, '--no-headers', format]);
    expect(deployments.trim().split(/\s+/u)).toEqual([
      ...['archpolicy-operator', '2', 'archpolicy-redis', '1', 'archpolicy-webhook', '3'],
    ]);
    const budgets = await kubectl(['get', 'poddisruptionbudgets', namespace, '--output=name']);
    expect(budgets.trim().split('\n')).toHaveLength(2);
  });

  test('applying again changes neither the CA of the webhook nor a status', async () => {
    // Any certificate can be used here, because the API server only checks that the value is a certificate.
    const [ca] = (
      await kubectl(['config', 'view', '--raw', '--output=jsonpath={.clusters[0].cluster.certificate-authority-data}'])
    ).split('\n');
    const patches = [0, 1].map((index) => ({
      ...{ op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value: ca },
    }));
    const asOperator = ['--field-manager=archpolicy-operator', '--output=name'];
    await kubectl([
      'patch',
      ...WEBHOOK_CONFIGURATION,
      '--type=json',
      `--patch=${JSON.stringify(patches)}`,
      ...asOperator,
    ]);
    const status = (change: JsonObject): string[] => [
      ...['--subresource=status', '--type=merge', `--patch=${JSON.stringify({ status: change })}`, ...asOperator],
    ];
    await kubectl(['patch', 'archpolicy', 'default', ...status({ observedGeneration: 1 })]);
    const counts = { observedGeneration: 1, replicas: 3, readyReplicas: 3 };
    await kubectl(['patch', 'deployment/archpolicy-webhook', '--namespace=archpolicy-system', ...status(counts)]);

    const production = kustomizeFlag('deploy/overlays/production');
    expect(await kubectl(['diff', '--server-side', production])).toBe('');
    expect(await kubectl(['diff', DEFAULT_POLICY])).toBe('');
    await kubectl([...APPLY, production]);
    const configuration = await get(...WEBHOOK_CONFIGURATION, '--show-managed-fields');
    expect(configuration).toMatchObject({
      webhooks: [0, 1].map(() => ({ clientConfig: { caBundle: ca, service: { path: '/mutate' } } })),
    });
    const { managedFields } = configuration['metadata'] as { readonly managedFields: readonly JsonObject[] };
    const owners = managedFields.filter((entry) => JSON.stringify(entry).includes('f:caBundle'));
    expect(owners.map(({ manager }) => manager)).toEqual(['archpolicy-operator']);
  });

  test('P1 the API server calls the webhook with a timeout of two seconds and ignores failures, except of dry runs', async () => {
    expect(await get('mutatingwebhookconfiguration', 'archpolicy')).toMatchObject({
      webhooks: [
        {
          failurePolicy: 'Ignore',
          timeoutSeconds: 2,
          sideEffects: 'None',
          reinvocationPolicy: 'IfNeeded',
          matchPolicy: 'Equivalent',
        },
        {
          failurePolicy: 'Fail',
          timeoutSeconds: 2,
          sideEffects: 'None',
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'archpolicy-probe' } },
          objectSelector: { matchLabels: { 'archpolicy.dev/probe': 'diagnosis' } },
        },
      ],
    });
  });
});

describe('every rendering', () => {
  beforeAll(async () => {
    for (const crd of await findCertManagerCrds()) await kubectl([...APPLY, `--filename=${crd}`]);
    await kubectl(['wait', '--for=condition=Established', 'crd/issuers.cert-manager.io', '--timeout=30s']);
  }, START_TIMEOUT_MILLISECONDS);

  /** Creates the pods of all workloads as a dry run. Returns the refusals of the Pod Security level `restricted`. */
  async function violations(overlay: string): Promise<readonly string[]> {
    const refusals: string[] = [];
    for (const workload of await renderWorkloads(overlay)) {
      const pod = JSON.stringify(toPod(workload));
      const dryRun = ['create', '--dry-run=server', '--validate=strict', '--filename=-'];
      const { status, stderr } = await cluster.kubectl(dryRun, pod);
      if (status !== 0 || stderr !== '') refusals.push(`${workload.metadata.name}: ${stderr}`);
    }
    return refusals;
  }

  test.each(OVERLAYS)('overlay %s is valid, and its pods have the level restricted', async (name) => {
    const overlay = join(ROOT, 'deploy/overlays', name);
    await kubectl([...STRICT, kustomizeFlag(overlay)]);
    expect(await violations(overlay)).toEqual([]);
  });

  test.each(COMPONENTS.filter((name) => name !== 'host-network'))(
    'production with the component %s is valid, and its pods have the level restricted',
    async (component) => {
      const overlay = await writeOverlayWith(folder, component);
      await kubectl([...STRICT, kustomizeFlag(overlay)]);
      expect(await violations(overlay)).toEqual([]);
    },
  );

  test('production with the component host-network violates the level restricted by the network alone', async () => {
    const overlay = await writeOverlayWith(folder, 'host-network');
    const [refusal = '', ...others] = await violations(overlay);
    expect(others).toEqual([]);
    expect(refusal).toMatch(
      /^archpolicy-webhook: .*violates PodSecurity "restricted:latest": host namespaces \(hostNetwork=true\), hostPort \(container "webhook" uses hostPorts [\d, ]+\)\s*$/u,
    );
    const { status, stderr } = await cluster.kubectl([...STRICT, kustomizeFlag(overlay)]);
    expect(status).toBe(0);
    // The namespace of a dry run still has its old level. The port of the node is set in a pod, not in its template.
    expect(stderr).toBe('Warning: would violate PodSecurity "restricted:latest": host namespaces (hostNetwork=true)\n');
  });

  test('the documented names replace the images', async () => {
    const images = [
      { name: 'ghcr.io/archpolicy/archpolicy', newName: 'registry.example.com/archpolicy', newTag: '1.2.3' },
      { name: 'docker.io/library/redis', newName: 'registry.example.com/redis', newTag: '7' },
    ];
    const workloads = await renderWorkloads(await writeOverlay(folder, 'images', { images }));
    const used = workloads.flatMap(({ spec }) => spec.template.spec.containers.map(({ image }) => image));
    expect(new Set(used)).toEqual(new Set(['registry.example.com/archpolicy:1.2.3', 'registry.example.com/redis:7']));
  });
});

describe('while nothing of ArchPolicy runs', () => {
  /** Returns how many calls of the webhook have failed and were ignored. */
  async function failedCalls(): Promise<number> {
    const metrics = await kubectl(['get', '--raw=/metrics']);
    const lines = metrics.matchAll(
      /^apiserver_admission_webhook_fail_open_count\{name="pods\.archpolicy\.dev".*\} (\d+)$/gmu,
    );
    return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
  }

  // As after a restart of all nodes: the components that ArchPolicy's pods need start without it.
  test.each([
    ['kube-system', 0],
    ['archpolicy-system', 0],
    ['default', 1],
  ])('P1 a pod in %s is created after %d calls of the webhook', async (namespace, calls) => {
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'starting', namespace } };
    await create(account, '--output=name');
    const security = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } };
    const container = {
      ...{ name: 'app', image: 'app:1' },
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    };
    const spec = { serviceAccountName: 'starting', securityContext: security, containers: [container] };
    const before = await failedCalls();
    const pod = await create(
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'starting', namespace }, spec },
      '--output=json',
    );
    expect((JSON.parse(pod) as JsonObject)['metadata']).not.toHaveProperty('annotations');
    expect((await failedCalls()) - before).toBe(calls);
  });
});

describe('the local overlay', () => {
  test('replaces the base with the same rights and webhook configuration, except for the URL', async () => {
    const before = await get('mutatingwebhookconfiguration', 'archpolicy');
    await kubectl(['apply', '--server-side', '--force-conflicts', kustomizeFlag('deploy/overlays/local')]);
    const after = await get('mutatingwebhookconfiguration', 'archpolicy');
    const [one, other] = [before, after].map((object) => (object['webhooks'] as JsonObject[])[0]);
    expect(other?.['clientConfig']).toEqual({ url: expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+\/mutate$/) });
    expect({ ...other, clientConfig: null }).toEqual({ ...one, clientConfig: null });
  });

  test('has no workloads', async () => {
    const text = await kubectl(['kustomize', join(ROOT, 'deploy/overlays/local')]);
    expect(text).not.toMatch(/^kind: (Deployment|Service|ConfigMap|CustomResourceDefinition)$/m);
  });

  test('enforces the default policy', async () => {
    await kubectl(['apply', '--server-side', '--force-conflicts', kustomizeFlag('deploy/overlays/local/policy')]);
    expect(await get('archpolicy', 'default')).toMatchObject({
      spec: { mode: 'Enforce', preference: { architectures: ['amd64'] } },
    });
  });
});

/** Returns the rights of a user in a namespace, without the rights of all accounts. */
async function readRights(user: string, namespace: string): Promise<Rights> {
  const readRules = async (as: string): Promise<readonly Rule[]> => {
    const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } };
    const answer = JSON.parse(await create(review, as, '--validate=false', '--output=json')) as {
      status: { resourceRules: Rule[] };
    };
    return answer.status.resourceRules;
  };
  const common = new Set((await readRules('--as=system:serviceaccount:default:none')).flatMap(expandRule).map(String));
  const verbs: Record<string, string[]> = {};
  for (const [resource, verb] of (await readRules(user)).flatMap(expandRule)) {
    if (!common.has(String([resource, verb]))) (verbs[resource] ??= []).push(verb);
  }
  return Object.fromEntries(Object.entries(verbs).map(([resource, list]) => [resource, list.toSorted().join(' ')]));
}

describe('priority and fairness', () => {
  /** Sends a request of an account, and returns the name of the FlowSchema that the API server chose for it. */
  async function flowSchema(name: string, args: readonly string[], stdin?: string): Promise<string> {
    // At this level, kubectl prints the headers of the response.
    const { stderr } = await cluster.kubectl([...args, account(name), '--v=8'], stdin);
    const uid = /x-kubernetes-pf-flowschema-uid: ([0-9a-f-]+)/iu.exec(stderr)?.[1];
    const schemas = await get('flowschemas');
    const items = schemas['items'] as { readonly metadata: { readonly name: string; readonly uid: string } }[];
    return items.find(({ metadata }) => metadata.uid === uid)?.metadata.name ?? '';
  }
  const lease = ['get', 'lease', 'archpolicy-operator', '--namespace=archpolicy-system'];
  const eviction = ['create', '--raw=/api/v1/namespaces/default/pods/none/eviction?dryRun=All', '--filename=-'];
  const body = JSON.stringify({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'none' } });

  test('Leases and evictions of our accounts have a level of their own, other requests do not', async () => {
    // The API server starts to use a FlowSchema some time after its creation.
    await waitFor(async () => (await flowSchema('operator', lease)) === 'archpolicy-leases', {
      timeoutMs: 20_000,
      what: 'the FlowSchema of Leases',
    });
    expect(await flowSchema('webhook', lease)).toBe('archpolicy-leases');
    expect(await flowSchema('operator', eviction, body)).toBe('archpolicy-evictions');
    expect(await flowSchema('operator', ['get', 'secret', 'none'])).toBe('service-accounts');
    expect(await flowSchema('operator', ['get', 'pods'])).toBe('service-accounts');
  });
});

describe('RBAC', () => {
  test.each([
    ['webhook', WEBHOOK],
    ['operator', OPERATOR],
  ] as const)('the %s has exactly the rights of the table', async (name, { everywhere, inSystem, inProbe }) => {
    expect(await readRights(account(name), 'default')).toEqual(everywhere);
    expect(await readRights(account(name), 'archpolicy-system')).toEqual({ ...everywhere, ...inSystem });
    const inBoth = Object.entries(inProbe).map(([resource, verbs]) => {
      const all = [...(everywhere[resource]?.split(' ') ?? []), ...verbs.split(' ')];
      return [resource, all.toSorted().join(' ')] as const;
    });
    expect(await readRights(account(name), 'archpolicy-probe')).toEqual({
      ...everywhere,
      ...Object.fromEntries(inBoth),
    });
  });

  test.each(QUESTIONS)('can-i: the %s: %s: %s', async (name, question, answer) => {
    const spec = { user: `${ACCOUNTS}:archpolicy-${name}`, groups: GROUPS_OF_ACCOUNTS, ...parseQuestion(question) };
    const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
    const { status } = await live.create(REVIEWS, undefined, review);
    expect((status as JsonObject)['allowed']).toBe(answer === 'yes');
  });
});
