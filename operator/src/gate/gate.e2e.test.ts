import { join } from 'node:path';
import type { JsonObject } from '@archpolicy/core';
import { startCluster, waitFor } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { fixedRegistries, readRegistriesFile } from '@archpolicy/registry';
import { FakeRegistry, multiPlatformImage } from '@archpolicy/testkit';
import type { FaultRule } from '@archpolicy/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { LiveOperator, output } from './testing/live-operator.ts';

/** The first run on a machine builds the control plane. */
const START_TIMEOUT_MS = 20 * 60_000;
const ROOT = join(import.meta.dirname, '../../..');
const GATE = 'archpolicy.dev/inspecting';
const NAMESPACE = 'shop';

jest.setTimeout(90_000);

let cluster: TestCluster;
let registry: FakeRegistry;
let operator: LiveOperator | undefined;

const kubectl = (args: readonly string[], stdin?: string): Promise<string> => output(cluster.kubectl, args, stdin);
const apply = (...objects: readonly JsonObject[]): Promise<string> =>
  kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
const inShop = (...args: readonly string[]): Promise<string> => kubectl(['-n', NAMESPACE, ...args]);

/** Node, architectures required, and gates of a pod. */
async function stateOf(pod: string): Promise<string> {
  const columns = [
    '{.spec.nodeName}',
    '{.spec.affinity..matchExpressions[?(@.key=="kubernetes.io/arch")].values}',
    '{.spec.schedulingGates[*].name}',
  ];
  return (await inShop('get', 'pod', pod, `--output=jsonpath=${columns.join(' ')}`)).replaceAll(/\s+/g, ' ').trim();
}

/** A registry that failed is asked again after half a minute at most. */
const becomes = async (pod: string, state: RegExp): Promise<string> =>
  waitFor(
    async () => {
      const now = await stateOf(pod);
      return state.test(now) && now;
    },
    { timeoutMs: 60_000, what: `pod ${pod} to become ${String(state)}` },
  );

const reasonsFor = async (pod: string): Promise<readonly string[]> =>
  (
    await inShop(
      'get',
      'events.events.k8s.io',
      `--field-selector=regarding.name=${pod}`,
      '-o',
      'jsonpath={.items[*].reason}',
    )
  )
    .split(' ')
    .filter((reason) => reason !== '');

function policy(spec: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'archpolicy.dev/v1alpha1',
    kind: 'ArchPolicy',
    metadata: { name: 'default' },
    spec: { mode: 'Enforce', ...spec },
  };
}

/** Gated as our webhook gates, without the webhook. */
function gatedPod(name: string, image: string, spec: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: NAMESPACE, labels: { app: name } },
    spec: {
      schedulingGates: [{ name: GATE }],
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'app', image: `${registry.host}/${image}` }],
      ...spec,
    },
  };
}

/** Server-side apply of a bare pod leaves it to its owner; a plain create does not. */
const create = (...pods: readonly JsonObject[]): Promise<string> =>
  kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: pods }));

async function startOperator(): Promise<void> {
  const registries = await readRegistriesFile(join(ROOT, 'deploy/overlays/local/registries.yaml'));
  operator = await LiveOperator.start(cluster.kubectl, fixedRegistries(registries));
}

async function stopOperator(): Promise<void> {
  await operator?.stop();
  operator = undefined;
}

beforeAll(async () => {
  cluster = await startCluster({ only: 'control-plane' });
  registry = await new FakeRegistry().start();
  const kustomize = ['apply', '--server-side', '--kustomize'];
  for (const part of ['crds', 'deploy/base/rbac', 'deploy/base/fence']) await kubectl([...kustomize, join(ROOT, part)]);
  await kubectl(['wait', '--for=condition=Established', 'crd/archpolicies.archpolicy.dev']);
  await kubectl(['create', 'namespace', NAMESPACE]);
  await waitFor(
    async () => (await cluster.kubectl(['-n', NAMESPACE, 'get', 'serviceaccount', 'default'])).status === 0,
    {
      timeoutMs: 30_000,
      what: 'the default account of the namespace',
    },
  );
}, START_TIMEOUT_MS);

afterAll(async () => {
  await cluster.stop();
  await registry.stop();
});

beforeEach(async () => {
  registry.fault = () => undefined;
  registry.forgetRequests();
  await apply(policy());
});

afterEach(async () => {
  await stopOperator();
  await inShop('delete', 'pods', '--all', '--force', '--grace-period=0');
  await kubectl(['delete', 'validatingadmissionpolicies,validatingadmissionpolicybindings', '-l', 'test=gate']);
});

const push = (repository: string, ...platforms: readonly string[]): void => {
  registry.push(repository, 'v1', multiPlatformImage(platforms, repository));
};
const busy: FaultRule = () => ({ kind: 'answer', status: 503 });

describe('the gate on a real control plane', () => {
  test('PL12 pods gated before the operator started are lifted and scheduled where they can run', async () => {
    push('arm', 'linux/arm64');
    push('amd', 'linux/amd64');
    await create(...['a', 'b', 'c'].map((name) => gatedPod(`arm-${name}`, 'arm:v1')), gatedPod('amd', 'amd:v1'));
    await startOperator();
    for (const name of ['arm-a', 'arm-b', 'arm-c']) await becomes(name, /^arm64-\d \["arm64"\]$/);
    await becomes('amd', /^amd64-\d \["amd64"\]$/);
    expect(registry.count('GET', '/arm/manifests/v1')).toBe(1);
    expect(await reasonsFor('amd')).not.toContain('LiftRefused');
  });

  test('PL12 terms, tolerations and the gates of others survive', async () => {
    push('arm', 'linux/arm64');
    await startOperator();
    const hostname = { key: 'kubernetes.io/hostname', operator: 'Exists' };
    const terms = [
      { matchExpressions: [hostname] },
      { matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: ['x'] }] },
      {},
    ];
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } };
    await create(
      gatedPod('terms', 'arm:v1', { affinity }),
      gatedPod('gates', 'arm:v1', { schedulingGates: [{ name: 'corp.example/a' }, { name: GATE }] }),
    );
    await becomes('terms', /^arm64-\d \["arm64"\] \["arm64"\]$/);
    await becomes('gates', /^\["arm64"\] corp.example\/a$/);
  });

  test('PL9 a registry that is down and comes back: lifted then', async () => {
    push('late', 'linux/arm64');
    registry.fault = busy;
    await startOperator();
    await create(gatedPod('late', 'late:v1'));
    await waitFor(() => registry.count('GET') > 0, { timeoutMs: 10_000, what: 'the registry to be asked' });
    expect(await stateOf('late')).toBe(GATE);
    registry.fault = () => undefined;
    await becomes('late', /^arm64-\d \["arm64"\]$/);
  });

  test.each<[string, JsonObject, RegExp]>([
    ['unconstrained', {}, /^(amd64|arm64)-\d$/],
    ['to the fallback', { fallbackArchitecture: 'arm64' }, /^arm64-\d \["arm64"\]$/],
  ])('PL9 a registry that never answers: freed after gateTimeout, %s', async (name, spec, state) => {
    registry.fault = () => ({ kind: 'hang' });
    await apply(policy({ gateTimeout: '5s', ...spec }));
    await startOperator();
    const pod = name.replaceAll(' ', '-');
    await create(gatedPod(pod, 'silent:v1'));
    await becomes(pod, state);
    await waitFor(async () => (await reasonsFor(pod)).includes('GateTimedOut'), {
      timeoutMs: 10_000,
      what: 'the event',
    });
  });

  test('PL9 an image that does not exist is final: freed at once', async () => {
    await startOperator();
    await create(gatedPod('missing', 'missing:v1'));
    await becomes('missing', /^(amd64|arm64)-\d$/);
  });

  test('PL12 the operator is killed while pods are gated: the next one lifts them', async () => {
    push('slow', 'linux/arm64');
    registry.fault = busy;
    await startOperator();
    await create(gatedPod('slow', 'slow:v1'));
    await waitFor(() => registry.count('GET') > 0, { timeoutMs: 10_000, what: 'the registry to be asked' });
    await stopOperator();
    registry.fault = () => undefined;
    expect(await stateOf('slow')).toBe(GATE);
    await startOperator();
    await becomes('slow', /^arm64-\d \["arm64"\]$/);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['the policy is deleted', () => kubectl(['delete', 'archpolicy', 'default'])],
    ['the namespace is skipped', () => kubectl(['label', 'namespace', NAMESPACE, 'archpolicy.dev/skip=true'])],
    ['the pod is skipped', () => inShop('label', 'pod', 'held', 'archpolicy.dev/skip=true')],
  ])('PL12 freed at once: %s', async (_, happens) => {
    registry.fault = () => ({ kind: 'hang' });
    await startOperator();
    await create(gatedPod('held', 'silent:v1'));
    await waitFor(() => registry.count('GET') > 0, { timeoutMs: 10_000, what: 'the registry to be asked' });
    await happens();
    await becomes('held', /^(amd64|arm64)-\d$/);
    await kubectl(['label', 'namespace', NAMESPACE, 'archpolicy.dev/skip-']);
  });
});

describe('a policy of the cluster that refuses our patch', () => {
  let policies = 0;

  /** Refuses updates of pods where this does not hold. */
  const refuseUnless = async (expression: string, reason = 'Forbidden'): Promise<void> => {
    // A name of its own: the API server may enforce the one before for some moments after it was deleted.
    const policyName = `test-gate-${(policies += 1)}`;
    const metadata = { name: policyName, labels: { test: 'gate' } };
    const rule = { apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['UPDATE'] };
    const api = { apiVersion: 'admissionregistration.k8s.io/v1', metadata };
    await apply(
      {
        ...api,
        kind: 'ValidatingAdmissionPolicy',
        spec: { matchConstraints: { resourceRules: [rule] }, validations: [{ expression, reason }] },
      },
      {
        ...api,
        kind: 'ValidatingAdmissionPolicyBinding',
        spec: { policyName, validationActions: ['Deny'] },
      },
    );
    // A policy acts some moments after it was made.
    const probe = ['annotate', 'pod', 'probe', '--overwrite', '--dry-run=server', 'archpolicy.dev/decision=x'];
    await create({
      ...gatedPod('probe', 'probe:v1'),
      metadata: { name: 'probe', namespace: NAMESPACE, labels: { 'archpolicy.dev/skip': 'true' } },
    });
    await waitFor(async () => (await cluster.kubectl(['-n', NAMESPACE, ...probe])).stderr.includes(`${policyName}'`), {
      timeoutMs: 30_000,
      what: 'the policy to act',
    });
  };
  const noDecision = "!('archpolicy.dev/decision' in object.metadata.?annotations.orValue({}))";

  test.each(['Forbidden', 'Invalid', 'RequestEntityTooLarge'])(
    'PL12 the first rung (%s): the requirement passes',
    async (reason) => {
      push('arm', 'linux/arm64');
      await refuseUnless(noDecision, reason);
      await startOperator();
      await create(gatedPod('rung', 'arm:v1'));
      await becomes('rung', /^arm64-\d \["arm64"\]$/);
      expect(await inShop('get', 'pod', 'rung', '-o', 'jsonpath={.metadata.annotations}')).toBe('');
      expect(await operator!.metrics.metrics()).toMatch(/archpolicy_gate_lifted_total\{rung="requirements",[^}]*\} 1/);
    },
  );

  test('PL12 every constraint: the gate goes alone, with an event', async () => {
    push('arm', 'linux/arm64');
    await refuseUnless(`!has(object.spec.affinity) && ${noDecision}`);
    await startOperator();
    await create(gatedPod('bare', 'arm:v1'));
    await becomes('bare', /^(amd64|arm64)-\d$/);
    await waitFor(async () => (await reasonsFor('bare')).includes('LiftRefused'), {
      timeoutMs: 10_000,
      what: 'the event',
    });
    expect(await operator!.metrics.metrics()).toMatch(/archpolicy_gate_lifted_total\{rung="gate",[^}]*\} 1/);
  });

  test('PL12 all of it, for a while: tried again until it passes', async () => {
    push('arm', 'linux/arm64');
    await refuseUnless(`object.spec.?schedulingGates.orValue([]).size() > 0 && ${noDecision}`);
    await startOperator();
    await create(gatedPod('held', 'arm:v1'));
    await waitFor(async () => (await reasonsFor('held')).includes('LiftRefused'), {
      timeoutMs: 10_000,
      what: 'the event',
    });
    expect(await stateOf('held')).toBe(GATE);
    await kubectl(['delete', 'validatingadmissionpolicybindings', '-l', 'test=gate']);
    await becomes('held', /^arm64-\d \["arm64"\]$/);
  });
});
