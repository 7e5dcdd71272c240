import { join } from 'node:path';
import type { JsonObject } from '@archpolicy/core';
import type { Resource } from '@archpolicy/kube';
import { START_TIMEOUT_MILLISECONDS, startCluster, waitFor } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { LiveCluster } from '../../support/live-cluster.ts';
import { GROUPS, OPERATOR, QUESTIONS, WEBHOOK } from './rights.ts';
import type { Rights } from './rights.ts';

const ROOT = join(import.meta.dirname, '../../..');
const kustomizeFlag = (path: string): string => `--kustomize=${join(ROOT, path)}`;
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
}, START_TIMEOUT_MILLISECONDS);

afterAll(async () => {
  await live.close();
  await cluster.stop();
});

describe('the quick start', () => {
  test('consists of two commands, for the base and for the policy, and is idempotent', async () => {
    const first = await kubectl(['apply', '--server-side', kustomizeFlag('deploy/base')]);
    expect(first).toContain('deployment.apps/archpolicy-webhook serverside-applied');
    await kubectl(['wait', '--for=condition=Established', 'crd/archpolicies.archpolicy.dev']);
    expect(await kubectl(['apply', `--filename=${join(ROOT, 'deploy/policies/default.yaml')}`])).toBe(
      'archpolicy.archpolicy.dev/default created\n',
    );
    expect(await kubectl(['diff', '--server-side', kustomizeFlag('deploy/base')])).toBe('');
    expect(await kubectl(['get', 'archpolicies', '--no-headers', '--output=custom-columns=:.spec.mode'])).toBe(
      'Audit\n',
    );
  });

  test('the documented command switches to Enforce', async () => {
    await kubectl(['patch', 'archpolicy', 'default', '--type=merge', '--patch={"spec":{"mode":"Enforce"}}']);
    expect(await get('archpolicy', 'default')).toMatchObject({ spec: { mode: 'Enforce' } });
  });

  test('applying the base again keeps the CA of the webhook', async () => {
    const name = ['mutatingwebhookconfiguration', 'archpolicy'];
    // Any certificate can be used here, because the API server only checks that the value is a certificate.
    const [ca] = (
      await kubectl(['config', 'view', '--raw', '--output=jsonpath={.clusters[0].cluster.certificate-authority-data}'])
    ).split('\n');
    const patches = [0, 1].map((index) => ({
      ...{ op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value: ca },
    }));
    await kubectl(['patch', ...name, '--type=json', `--patch=${JSON.stringify(patches)}`]);
    await kubectl(['apply', '--server-side', kustomizeFlag('deploy/base')]);
    expect(await get(...name)).toMatchObject({
      webhooks: [0, 1].map(() => ({ clientConfig: { caBundle: ca, service: { path: '/mutate' } } })),
    });
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

describe('the components', () => {
  test.each(['egress', 'pull-secrets-in-namespaces', 'pull-secrets-none'])('%s is valid', async (component) => {
    const overlay = join('e2e/suites/deploy/testdata', component);
    await kubectl(['apply', '--server-side', '--dry-run=server', '--validate=strict', kustomizeFlag(overlay)]);
  });
});

describe('the component cert-manager', () => {
  test('removes the rights to Secrets and caBundle, and sets the variable', async () => {
    const overlay = join(ROOT, 'e2e/suites/deploy/testdata/cert-manager');
    const text = await kubectl(['kustomize', overlay]);
    expect(text).not.toContain('name: archpolicy-certificates');
    expect(text).toMatch(/name: ARCHPOLICY_CERTIFICATES\n\s+value: external/u);
    expect(text).toContain('cert-manager.io/inject-ca-from: archpolicy-system/archpolicy-webhook-tls');
    expect(text.match(/secretName: archpolicy-webhook-tls/gu)?.length).toBeGreaterThan(1);
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

interface Rule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** Returns the rights of a user in a namespace, without the rights of all accounts. */
async function readRights(user: string, namespace: string): Promise<Rights> {
  const readRules = async (as: string): Promise<readonly Rule[]> => {
    const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } };
    const answer = JSON.parse(await create(review, as, '--validate=false', '--output=json')) as {
      status: { resourceRules: Rule[] };
    };
    return answer.status.resourceRules;
  };
  const common = new Set((await readRules('--as=system:serviceaccount:default:none')).flatMap(expand).map(String));
  const verbs: Record<string, string[]> = {};
  for (const [resource, verb] of (await readRules(user)).flatMap(expand)) {
    if (!common.has(String([resource, verb]))) (verbs[resource] ??= []).push(verb);
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

/** Parses `VERB RESOURCE[/NAME] [--subresource=S] [-n NAMESPACE]` to the attributes of an access review. */
function parseQuestion(question: string): JsonObject {
  const [, verb = '', resource = '', name = '', subresource = '', namespace = 'default'] =
    /^(\w+) (\w+)(?:\/(\S+))?(?: --subresource=(\w+))?(?: -n (\S+))?$/u.exec(question) ?? [];
  if (verb === '') throw new Error(`not a question: ${question}`);
  const group = GROUPS[resource] ?? '';
  return { resourceAttributes: { verb, group, version: '*', resource, name, subresource, namespace } };
}
