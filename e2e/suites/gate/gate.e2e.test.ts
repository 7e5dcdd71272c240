import type { JsonObject } from '@archpolicy/core';
import { nodeNames, START_TIMEOUT_MILLISECONDS } from '@archpolicy/e2e';
import { FaultProxy } from '@archpolicy/testkit';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ForeignWebhook } from './foreign-webhook.ts';
import { changeExpression, KEEPS_ANNOTATIONS, rejectUpdatesUnless } from './admission-policy.ts';
import { GATE, podManifest, GateSuite, workload } from './gate-suite.ts';
import type { GateCase } from './gate-suite.ts';

jest.setTimeout(120_000);

const ANYWHERE = /^(amd64|arm64)-\d$/u;
const ON_ARM64 = /^arm64-\d arm64$/u;
const GATED = new RegExp(`^${GATE}$`, 'u');

let suite: GateSuite;

beforeAll(async () => {
  suite = await GateSuite.open();
}, START_TIMEOUT_MILLISECONDS);

afterAll(() => suite.close());

// Independent cases: each has its own namespace, policy and images.

test.concurrent.each(['Deployment', 'StatefulSet', 'Job', 'CronJob'])(
  'PL9 a %s whose image is not inspected in time: its pods wait, then run on a supported architecture',
  async (kind) => {
    const testCase = await suite.createCase(`kind-${kind.toLowerCase()}`);
    const { image, release } = testCase.slowImage('app', 'linux/arm64');
    const size = kind === 'Job' || kind === 'CronJob' ? { parallelism: 2 } : { replicas: 2 };
    await testCase.kubectl(['apply', '-f', '-'], JSON.stringify(workload(kind, 'app', image, size)));
    if (kind === 'CronJob') await testCase.kubectl(['create', 'job', 'now', '--from=cronjob/app']);
    // A StatefulSet creates its second pod when the first one runs.
    await testCase.waitForStates('app', kind === 'StatefulSet' ? 1 : 2, GATED);
    release();
    await testCase.waitForStates('app', 2, ON_ARM64);
  },
);

test.concurrent('PL1 pods of a DaemonSet are never gated: one on each node', async () => {
  const testCase = await suite.createCase('kind-daemonset');
  const daemons = workload('DaemonSet', 'app', await suite.silentImage());
  await testCase.kubectl(['apply', '-f', '-'], JSON.stringify(daemons));
  await testCase.waitForStates('app', nodeNames.length, ANYWHERE);
  expect([...(await testCase.states('app'))].sort()).toEqual([...nodeNames].sort());
});

test.concurrent(
  'PL9 a registry outage: pods wait, are counted in the status, and are lifted when it ends',
  async () => {
    const proxy = await new FaultProxy(suite.registry.port).start();
    try {
      const testCase = await suite.createCase('outage');
      testCase.image('app', 'linux/arm64');
      await proxy.set({ kind: 'refuse' });
      await testCase.create(podManifest('bare', `127.0.0.1:${proxy.port}/outage/app:v1`));
      expect(await testCase.state('bare')).toMatch(GATED);
      const gated = ['get', 'archpolicy', 'outage', '-o', 'jsonpath={.status.pods.gated}'];
      await suite.until('the status to count it', async () => (await suite.kubectl(gated)) === '1');
      await testCase.waitForEvent('bare', 'Inspecting');
      await proxy.set({ kind: 'none' });
      await testCase.waitForState('bare', ON_ARM64);
      await suite.until('the status to stop counting it', async () => (await suite.kubectl(gated)) === '0');
    } finally {
      await proxy.stop();
    }
  },
);

test.concurrent('PL9 an image that does not exist: its pod is freed at once', async () => {
  const testCase = await suite.createCase('missing');
  const release = suite.delayResponses('missing/app');
  await testCase.create(podManifest('bare', `${suite.registry.host}/missing/app:v1`));
  expect(await testCase.state('bare')).toMatch(GATED);
  release();
  await testCase.waitForState('bare', ANYWHERE);
  await testCase.waitForEvent('bare', 'Unresolved');
});

test.concurrent.each<[string, JsonObject, RegExp]>([
  ['unconstrained', {}, ANYWHERE],
  ['fallback', { fallbackArchitecture: 'arm64' }, ON_ARM64],
])('PL9 a registry that never responds: freed after gateTimeout, %s', async (name, spec, state) => {
  const testCase = await suite.createCase(`timeout-${name}`, { gateTimeout: '5s', ...spec });
  await testCase.create(podManifest('bare', await suite.silentImage()));
  expect(await testCase.state('bare')).toMatch(GATED);
  await testCase.waitForState('bare', state);
  await testCase.waitForEvent('bare', 'GateTimedOut');
});

test.concurrent.each<[string, string, (testCase: GateCase) => Promise<unknown>]>([
  ['the policy is deleted', 'unruled', () => suite.kubectl(['delete', 'archpolicy', 'unruled'])],
  [
    'the namespace is skipped',
    'skipped',
    () => suite.kubectl(['label', 'namespace', 'skipped', 'archpolicy.dev/skip=true']),
  ],
  [
    'the pod is skipped',
    'pod-skipped',
    (testCase) => testCase.kubectl(['label', 'pod', 'bare', 'archpolicy.dev/skip=true']),
  ],
  ['no policy matches the namespace', 'unmatched', () => suite.kubectl(['label', 'namespace', 'unmatched', 'case-'])],
])('PL12 freed at once: %s', async (_, name, change) => {
  const testCase = await suite.createCase(name);
  await testCase.create(podManifest('bare', await suite.silentImage()));
  expect(await testCase.state('bare')).toMatch(GATED);
  await change(testCase);
  await testCase.waitForState('bare', ANYWHERE);
});

test.concurrent('PL12 existing terms and foreign gates are kept', async () => {
  const testCase = await suite.createCase('owners');
  const { image, release } = testCase.slowImage('app', 'linux/arm64');
  const terms = [
    { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'Exists' }] },
    { matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: ['x'] }] },
    {},
  ];
  const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } };
  await testCase.create(
    workload('Deployment', 'terms', image, { replicas: 1 }, { affinity }),
    podManifest('bare', image, { affinity }),
    podManifest('gates', image, { schedulingGates: [{ name: 'a.b/c' }] }),
  );
  expect(await testCase.state('gates')).toBe(`a.b/c ${GATE}`);
  release();
  await testCase.waitForStates('terms', 1, /^arm64-\d arm64 arm64$/u);
  // ArchPolicy does not change the affinity of a bare pod. It requires the architecture by the node selector.
  await testCase.waitForState('bare', /^arm64-\d$/u);
  await testCase.waitForState('gates', /^arm64 a\.b\/c$/u);
});

test.concurrent('PL2 a sidecar injected after our webhook: its image counts, cached or not', async () => {
  const testCase = await suite.createCase('sidecar', { preference: { architectures: ['amd64'] } });
  const app = testCase.image('app', 'linux/amd64', 'linux/arm64');
  const known = testCase.image('mesh', 'linux/arm64');
  const { image: slow, release } = testCase.slowImage('slow-mesh', 'linux/arm64');
  const injector = await ForeignWebhook.start((pod) => {
    const { name, containers } = pod['spec'] as { name?: string; containers: readonly JsonObject[] };
    const image = (pod['metadata'] as JsonObject)['name'] === 'warm' ? known : slow;
    const sidecar = { name: 'mesh', image };
    return name !== undefined || containers.length > 1
      ? []
      : [{ op: 'add', path: '/spec/containers/-', value: sidecar }];
  });
  try {
    await suite.apply(injector.configuration(testCase.name, 'CREATE'));
    await suite.until('the injector to be called', async () =>
      (
        await testCase.kubectl(
          ['create', '--dry-run=server', '-o', 'yaml', '-f', '-'],
          JSON.stringify(podManifest('warm', app)),
        )
      ).includes(known),
    );
    await testCase.create(podManifest('warm', app), podManifest('cold', app));
    await testCase.waitForState('warm', ON_ARM64);
    expect(await testCase.state('cold')).toMatch(/^(amd64,arm64 )?archpolicy.dev\/inspecting$/u);
    release();
    await testCase.waitForState('cold', /^arm64-\d (amd64,arm64 )?arm64$/u);
  } finally {
    await suite.kubectl(['delete', 'mutatingwebhookconfiguration', `foreign-${testCase.name}`]);
    await injector.stop();
  }
});

test.concurrent('PL12 a webhook that changes every update of a pod does not keep it gated', async () => {
  const testCase = await suite.createCase('labeled');
  const { image, release } = testCase.slowImage('app', 'linux/arm64');
  const labeler = await ForeignWebhook.start(() => [{ op: 'add', path: '/metadata/labels/seen', value: 'yes' }]);
  try {
    await suite.apply(labeler.configuration(testCase.name, 'UPDATE'));
    await testCase.create(podManifest('probe', image), podManifest('bare', image));
    await suite.until('the webhook to be called', async () =>
      (
        await testCase.kubectl(['annotate', 'pod', 'probe', '--overwrite', 'a=b', '--dry-run=server', '-o', 'yaml'])
      ).includes('seen: "yes"'),
    );
    release();
    await testCase.waitForState('bare', ON_ARM64);
    expect(await testCase.kubectl(['get', 'pod', 'bare', '-o', 'jsonpath={.metadata.labels.seen}'])).toBe('yes');
  } finally {
    await suite.kubectl(['delete', 'mutatingwebhookconfiguration', `foreign-${testCase.name}`]);
    await labeler.stop();
  }
});

// No node has a platform of this index, so waiting would not help.
test.concurrent.each<[string, JsonObject, RegExp]>([
  ['Gate', {}, ANYWHERE],
  ['Admit', {}, ANYWHERE],
  ['Fallback', { fallbackArchitecture: 'arm64' }, ON_ARM64],
])('PL9 an index without a usable platform, %s: never gated', async (whenUnresolved, spec, state) => {
  const testCase = await suite.createCase(`unusable-${whenUnresolved.toLowerCase()}`, { whenUnresolved, ...spec });
  await testCase.create(podManifest('bare', testCase.image('app')));
  expect(await testCase.state('bare')).not.toContain(GATE);
  await testCase.waitForState('bare', state);
});

test.concurrent('PL9 an index without a usable platform, Deny: rejected', async () => {
  const testCase = await suite.createCase('unusable-deny', { whenUnresolved: 'Deny' });
  const pod = podManifest('bare', testCase.image('app'));
  await suite.until('the policy to be applied', async () =>
    testCase.create(pod).then(
      async () => (await testCase.kubectl(['delete', 'pod', 'bare', '--force', '--grace-period=0']), false),
      (error: unknown) => String(error).includes('refused by ArchPolicy unusable-deny'),
    ),
  );
});

test.concurrent('PL9 a dry run of a pod that would be gated returns the gate and stores nothing', async () => {
  const testCase = await suite.createCase('dry');
  const pod = JSON.stringify(podManifest('bare', await suite.silentImage()));
  expect(await testCase.kubectl(['create', '--dry-run=server', '-o', 'yaml', '-f', '-'], pod)).toContain(GATE);
  expect(await testCase.state('bare')).toBe('absent');
  expect(await testCase.kubectl(['get', 'events', '-o', 'name'])).toBe('');
});

test.concurrent.each(['--server-side', '--server-side=false'])(
  'PL12 kubectl apply %s of the same manifest while its pod is gated and afterwards',
  async (way) => {
    const testCase = await suite.createCase(`twice-${way.length}`);
    const { image, release } = testCase.slowImage('app', 'linux/arm64');
    const items = [podManifest('bare', image), workload('Deployment', 'app', image, { replicas: 1 })];
    const manifest = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    const apply = (): Promise<string> => testCase.kubectl(['apply', way, '-f', '-'], manifest);
    await apply();
    expect(await testCase.state('bare')).toMatch(GATED);
    await apply();
    expect(await testCase.state('bare')).toMatch(GATED);
    release();
    await testCase.waitForState('bare', ON_ARM64);
    await testCase.waitForStates('app', 1, ON_ARM64);
    await apply();
    await testCase.waitForState('bare', ON_ARM64);
  },
);

test.concurrent.each(['Forbidden', 'Invalid'])(
  'PL12 the cluster rejects the first level (%s): the requirement is applied without notes',
  async (reason) => {
    const testCase = await suite.createCase(`level-${reason.toLowerCase()}`);
    const { image, release } = testCase.slowImage('app', 'linux/arm64');
    await rejectUpdatesUnless(testCase, KEEPS_ANNOTATIONS, reason);
    await testCase.create(podManifest('bare', image));
    release();
    await testCase.waitForState('bare', ON_ARM64);
    expect(await testCase.kubectl(['get', 'pod', 'bare', '-o', 'yaml'])).toContain('"kind":"gate"');
  },
);

test.concurrent('PL12 the cluster rejects every constraint: only the gate is removed, with an event', async () => {
  const testCase = await suite.createCase('level-gate');
  const { image, release } = testCase.slowImage('app', 'linux/arm64');
  await rejectUpdatesUnless(testCase, `!has(object.spec.affinity) && ${KEEPS_ANNOTATIONS}`);
  await testCase.create(podManifest('bare', image));
  release();
  await testCase.waitForState('bare', ANYWHERE);
  await testCase.waitForEvent('bare', 'LiftRefused');
});

test.concurrent('PL12 the cluster rejects every level for a while: the lift is retried until it succeeds', async () => {
  const testCase = await suite.createCase('level-none');
  const { image, release } = testCase.slowImage('app', 'linux/arm64');
  const isGated = 'object.spec.?schedulingGates.orValue([]).size() > 0';
  await rejectUpdatesUnless(testCase, `${isGated} && ${KEEPS_ANNOTATIONS}`);
  await testCase.create(podManifest('bare', image));
  release();
  await testCase.waitForEvent('bare', 'LiftRefused');
  expect(await testCase.state('bare')).toMatch(GATED);
  // The cluster still rejects the last level, without constraint: the change may come after the first levels of a try.
  await changeExpression(testCase, `${isGated} || has(object.spec.affinity)`);
  await testCase.waitForState('bare', ON_ARM64);
});

// The following cases disturb others, so they run sequentially.

/**
 * Resolves when the next operator has lifted the gates. That operator waits for the Lease of the killed operator before
 * it lifts gates.
 */
let lifted: Promise<void>;

test('PL12 the operator is killed while pods are gated: they wait', async () => {
  const testCase = await suite.createCase('killed');
  const { image, release } = testCase.slowImage('app', 'linux/arm64');
  await testCase.kubectl(['apply', '-f', '-'], JSON.stringify(workload('Deployment', 'app', image, { replicas: 3 })));
  await testCase.waitForStates('app', 3, GATED);
  process.kill(Number(suite.cluster.get('OPERATOR_PID')), 'SIGKILL');
  release();
  suite.cluster = await suite.cluster.up('all');
  await testCase.waitForStates('app', 3, GATED);
  lifted = testCase.waitForStates('app', 3, ON_ARM64);
  lifted.catch(() => undefined);
});

test('PL12 the webhook is killed during a burst: every pod is admitted and ends on a supported architecture', async () => {
  const testCase = await suite.createCase('burst', { remediation: { gracePeriodAfterScheduling: '1s' } });
  const { image, release } = testCase.slowImage('app', 'linux/arm64');
  const deployment = workload('Deployment', 'app', image, { replicas: 12 });
  await testCase.kubectl(['apply', '-f', '-'], JSON.stringify(deployment));
  process.kill(Number(suite.cluster.get('WEBHOOK_PID')), 'SIGKILL');
  await suite.until('all pods to be admitted', async () => (await testCase.states('app')).length === 12);
  release();
  suite.cluster = await suite.cluster.up('all');
  await testCase.waitForStates('app', 12, /^arm64-\d( arm64)?$/u);
});

test('PL12 the next operator lifts them', async () => {
  await lifted;
});

test('P9 without webhook and operator, the documented command frees gated pods', async () => {
  const testCase = await suite.createCase('freed');
  await suite.waitUntilGating();
  const image = await suite.silentImage();
  await testCase.create(
    podManifest('bare', image),
    podManifest('shared', image, { schedulingGates: [{ name: 'a.b/c' }] }),
  );
  expect(await testCase.state('bare')).toMatch(GATED);
  for (const pid of ['WEBHOOK_PID', 'OPERATOR_PID'] as const) process.kill(Number(suite.cluster.get(pid)), 'SIGKILL');
  const page = await readFile(join(import.meta.dirname, '../../../docs/placement.md'), 'utf8');
  const [, line = ''] = /```sh\n(kubectl get pods [^`]*)\n```/u.exec(page) ?? [];
  const path = `${dirname(suite.cluster.get('KUBECTL'))}:/usr/local/bin:/usr/bin:/bin`;
  const kubeconfig = suite.cluster.get('KUBECONFIG');
  // Without HOME, kubectl writes its cache to the working directory.
  const env = { PATH: path, KUBECONFIG: kubeconfig, HOME: dirname(kubeconfig) };
  await promisify(execFile)('sh', ['-c', line], { env });
  expect(await testCase.state('shared')).toBe('a.b/c');
  await testCase.waitForState('bare', ANYWHERE);
  // The command also succeeds if no pod is gated.
  await promisify(execFile)('sh', ['-c', line], { env });
});
