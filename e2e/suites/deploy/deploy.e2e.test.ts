import { join } from 'node:path';
import type { JsonObject } from '@archpolicy/core';
import type { Resource } from '@archpolicy/kube';
import { START_TIMEOUT_MILLISECONDS, startCluster, waitFor } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { LiveCluster } from '../../support/live-cluster.ts';
import { gatedPod, PATCHES } from './fence-cases.ts';
import { GROUPS, OPERATOR, QUESTIONS, WEBHOOK } from './rights.ts';
import type { Rights } from './rights.ts';

const ROOT = join(import.meta.dirname, '../../..');
const folder = (path: string): string => `--kustomize=${join(ROOT, path)}`;
const ACCOUNTS = 'system:serviceaccount:archpolicy-system';
const account = (name: string): string => `--as=${ACCOUNTS}:archpolicy-${name}`;
const GROUPS_OF_ACCOUNTS = [
  'system:serviceaccounts',
  'system:serviceaccounts:archpolicy-system',
  'system:authenticated',
];
const REVIEWS: Resource = { group: 'authorization.k8s.io', version: 'v1', resource: 'subjectaccessreviews' };

// kubectl takes a moment, several of them on a busy machine more.
jest.setTimeout(60_000);

let cluster: TestCluster;
let live: LiveCluster;

/** What kubectl prints; a warning of the API server is a failure too. */
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
}, START_TIMEOUT_MILLISECONDS);

afterAll(async () => {
  await live.close();
  await cluster.stop();
});

describe('the quick start', () => {
  test('is two commands: the base, then the policy once the CRD is established; again changes nothing', async () => {
    const first = await kubectl(['apply', '--server-side', folder('deploy/base')]);
    expect(first).toContain('deployment.apps/archpolicy-webhook serverside-applied');
    await kubectl(['wait', '--for=condition=Established', 'crd/archpolicies.archpolicy.dev']);
    expect(await kubectl(['apply', `--filename=${join(ROOT, 'deploy/policies/default.yaml')}`])).toBe(
      'archpolicy.archpolicy.dev/default created\n',
    );
    expect(await kubectl(['diff', '--server-side', folder('deploy/base')])).toBe('');
    expect(await kubectl(['get', 'archpolicies', '--no-headers', '--output=custom-columns=:.spec.mode'])).toBe(
      'Audit\n',
    );
  });

  test('the documented command switches to Enforce', async () => {
    await kubectl(['patch', 'archpolicy', 'default', '--type=merge', '--patch={"spec":{"mode":"Enforce"}}']);
    expect(await get('archpolicy', 'default')).toMatchObject({ spec: { mode: 'Enforce' } });
  });

  test('the base leaves the CA of the webhook alone when it is applied again', async () => {
    const name = ['mutatingwebhookconfiguration', 'archpolicy'];
    // The API server wants a certificate, and does not look whose.
    const [ca] = (
      await kubectl(['config', 'view', '--raw', '--output=jsonpath={.clusters[0].cluster.certificate-authority-data}'])
    ).split('\n');
    await kubectl([
      'patch',
      ...name,
      '--type=json',
      `--patch=${JSON.stringify([{ op: 'add', path: '/webhooks/0/clientConfig/caBundle', value: ca }])}`,
    ]);
    await kubectl(['apply', '--server-side', folder('deploy/base')]);
    expect(await get(...name)).toMatchObject({
      webhooks: [{ clientConfig: { caBundle: ca, service: { path: '/mutate' } } }],
    });
  });

  test('the API server waits two seconds for the webhook and goes on without an answer', async () => {
    expect(await get('mutatingwebhookconfiguration', 'archpolicy')).toMatchObject({
      webhooks: [
        {
          failurePolicy: 'Ignore',
          timeoutSeconds: 2,
          sideEffects: 'None',
          reinvocationPolicy: 'IfNeeded',
          matchPolicy: 'Equivalent',
        },
      ],
    });
  });
});

describe('the local overlay', () => {
  test('takes the place of the base: the same rights and webhook configuration, but a URL', async () => {
    const before = await get('mutatingwebhookconfiguration', 'archpolicy');
    await kubectl(['apply', '--server-side', '--force-conflicts', folder('deploy/overlays/local')]);
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
    await kubectl(['apply', '--server-side', '--force-conflicts', folder('deploy/overlays/local/policy')]);
    expect(await get('archpolicy', 'default')).toMatchObject({
      spec: { mode: 'Enforce', preference: { architectures: ['amd64'] } },
    });
  });
});

interface Rule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** All that a user may do in a namespace, beyond what every account may. */
async function rightsOf(user: string, namespace: string): Promise<Rights> {
  const rulesOf = async (as: string): Promise<readonly Rule[]> => {
    const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } };
    const answer = JSON.parse(await create(review, as, '--validate=false', '--output=json')) as {
      status: { resourceRules: Rule[] };
    };
    return answer.status.resourceRules;
  };
  const everybody = new Set((await rulesOf('--as=system:serviceaccount:default:nobody')).flatMap(expand).map(String));
  const verbs: Record<string, string[]> = {};
  for (const [resource, verb] of (await rulesOf(user)).flatMap(expand)) {
    if (!everybody.has(String([resource, verb]))) (verbs[resource] ??= []).push(verb);
  }
  return Object.fromEntries(Object.entries(verbs).map(([resource, list]) => [resource, list.toSorted().join(' ')]));
}

function expand({ verbs, apiGroups, resources, resourceNames = [''] }: Rule): [resource: string, verb: string][] {
  return apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      resourceNames.flatMap((name) =>
        verbs.map((verb): [string, string] => [
          `${resource}${group === '' ? '' : `.${group}`}${name === '' ? '' : `:${name}`}`,
          verb,
        ]),
      ),
    ),
  );
}

describe('RBAC', () => {
  test.each([
    ['webhook', WEBHOOK],
    ['operator', OPERATOR],
  ] as const)('the %s has exactly the rights of the table', async (name, { everywhere, inSystem, inProbe }) => {
    expect(await rightsOf(account(name), 'default')).toEqual(everywhere);
    expect(await rightsOf(account(name), 'archpolicy-system')).toEqual({ ...everywhere, ...inSystem });
    const inBoth = Object.entries(inProbe).map(([resource, verbs]) => {
      const all = [...(everywhere[resource]?.split(' ') ?? []), ...verbs.split(' ')];
      return [resource, all.toSorted().join(' ')] as const;
    });
    expect(await rightsOf(account(name), 'archpolicy-probe')).toEqual({
      ...everywhere,
      ...Object.fromEntries(inBoth),
    });
  });

  test.each(QUESTIONS)('can-i: the %s: %s: %s', async (name, question, answer) => {
    const spec = { user: `${ACCOUNTS}:archpolicy-${name}`, groups: GROUPS_OF_ACCOUNTS, ...attributesOf(question) };
    const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
    const { status } = await live.create(REVIEWS, undefined, review);
    expect((status as JsonObject)['allowed']).toBe(answer === 'yes');
  });
});

/** `VERB RESOURCE[/NAME] [--subresource=S] [-n NAMESPACE]`, as the API server is asked. */
function attributesOf(question: string): JsonObject {
  const [, verb = '', resource = '', name = '', subresource = '', namespace = 'default'] =
    /^(\w+) (\w+)(?:\/(\S+))?(?: --subresource=(\w+))?(?: -n (\S+))?$/u.exec(question) ?? [];
  if (verb === '') throw new Error(`not a question: ${question}`);
  const group = GROUPS[resource] ?? '';
  return { resourceAttributes: { verb, group, version: '*', resource, name, subresource, namespace } };
}

describe('the fences', () => {
  const operator = account('operator');
  const patch = (operations: readonly JsonObject[]): ReturnType<TestCluster['kubectl']> =>
    cluster.kubectl([
      'patch',
      'pod',
      'gated',
      '-n=fenced',
      '--type=json',
      `--patch=${JSON.stringify(operations)}`,
      '--dry-run=server',
      operator,
    ]);

  beforeAll(async () => {
    // Nothing answers at the overlay's URL; without the label each pod would only be delayed.
    const labels = { 'archpolicy.dev/skip': 'true' };
    await create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'fenced', labels } });
    // No controller-manager runs to make them.
    for (const namespace of ['fenced', 'archpolicy-probe']) {
      await create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } });
    }
    await create(gatedPod('fenced', 'gated'));
    // The API server notices a new policy a moment after it was stored.
    await waitFor(async () => (await patch([{ op: 'remove', path: '/metadata/labels' }])).status !== 0, {
      timeoutMs: 20_000,
      what: 'the fence around pod updates',
    });
  });

  test.each(PATCHES)('the operator %s', async (_, operations, refusal) => {
    const { status, stderr } = await patch(operations);
    if (refusal === null) {
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    } else {
      expect(status).not.toBe(0);
      expect(stderr).toContain(refusal);
    }
  });

  test('everybody else may still change labels of pods', async () => {
    await kubectl(['label', 'pod', 'gated', '-n=fenced', 'a=b', '--dry-run=server']);
  });

  test('the probe namespace takes a dry run of the operator and stores nothing, whoever asks', async () => {
    const probe = JSON.stringify(gatedPod('archpolicy-probe', 'probe'));
    const run = (...flags: string[]): ReturnType<TestCluster['kubectl']> =>
      cluster.kubectl(['create', '--filename=-', ...flags], probe);
    expect(await run('--dry-run=server', operator)).toMatchObject({ status: 0, stderr: '' });
    for (const flags of [[operator], []]) {
      expect((await run(...flags)).stderr).toContain('accepts only pods with dryRun=All');
    }
  });
});
