import type { JsonObject } from '@archpolicy/core';
import { nodeNames, START_TIMEOUT_MILLISECONDS } from '@archpolicy/e2e';
import { FaultProxy } from '@archpolicy/testkit';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ForeignWebhook } from './foreign-webhook.ts';
import { NO_NOTES, refuseUnless } from './refusal.ts';
import { GATE, podOf, Stage, workload } from './stage.ts';
import type { Scene } from './stage.ts';

jest.setTimeout(120_000);

const ANYWHERE = /^(amd64|arm64)-\d$/u;
const ON_ARM64 = /^arm64-\d arm64$/u;
const GATED = new RegExp(`^${GATE}$`, 'u');

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open();
}, START_TIMEOUT_MILLISECONDS);

afterAll(() => stage.close());

// Cases that do not disturb one another: each has a namespace, a policy and images of its own.

test.concurrent.each(['Deployment', 'StatefulSet', 'Job', 'CronJob'])(
  'PL9 a %s of an image that is not known in time: its pods wait, then go where it runs',
  async (kind) => {
    const scene = await stage.scene(`kind-${kind.toLowerCase()}`);
    const { image, release } = scene.slowImage('app', 'linux/arm64');
    const size = kind === 'Job' || kind === 'CronJob' ? { parallelism: 2 } : { replicas: 2 };
    await scene.kubectl(['apply', '-f', '-'], JSON.stringify(workload(kind, 'app', image, size)));
    if (kind === 'CronJob') await scene.kubectl(['create', 'job', 'now', '--from=cronjob/app']);
    // A StatefulSet makes its second pod when the first one runs.
    await scene.become('app', kind === 'StatefulSet' ? 1 : 2, GATED);
    release();
    await scene.become('app', 2, ON_ARM64);
  },
);

test.concurrent("PL1 a DaemonSet's pods never wait: one on each node", async () => {
  const scene = await stage.scene('kind-daemonset');
  const daemons = workload('DaemonSet', 'app', await stage.silentImage());
  await scene.kubectl(['apply', '-f', '-'], JSON.stringify(daemons));
  await scene.become('app', nodeNames.length, ANYWHERE);
  expect([...(await scene.states('app'))].sort()).toEqual([...nodeNames].sort());
});

test.concurrent(
  'PL9 a registry that is down and comes back: pods wait, counted in the status, and are lifted',
  async () => {
    const proxy = await new FaultProxy(stage.registry.port).start();
    try {
      const scene = await stage.scene('outage');
      scene.image('app', 'linux/arm64');
      await proxy.set({ kind: 'refuse' });
      await scene.create(podOf('bare', `127.0.0.1:${proxy.port}/outage/app:v1`));
      expect(await scene.state('bare')).toMatch(GATED);
      const gated = ['get', 'archpolicy', 'outage', '-o', 'jsonpath={.status.pods.gated}'];
      await stage.until('the status to count it', async () => (await stage.kubectl(gated)) === '1');
      await scene.told('bare', 'Inspecting');
      await proxy.set({ kind: 'none' });
      await scene.becomes('bare', ON_ARM64);
      await stage.until('the status to forget it', async () => (await stage.kubectl(gated)) === '0');
    } finally {
      await proxy.stop();
    }
  },
);

test.concurrent('PL9 an image that turns out not to exist frees its pod at once', async () => {
  const scene = await stage.scene('missing');
  const release = stage.holds('missing/app');
  await scene.create(podOf('bare', `${stage.registry.host}/missing/app:v1`));
  expect(await scene.state('bare')).toMatch(GATED);
  release();
  await scene.becomes('bare', ANYWHERE);
  await scene.told('bare', 'Unresolved');
});

test.concurrent.each<[string, JsonObject, RegExp]>([
  ['unconstrained', {}, ANYWHERE],
  ['fallback', { fallbackArchitecture: 'arm64' }, ON_ARM64],
])('PL9 a registry that never answers: freed after gateTimeout, %s', async (name, spec, state) => {
  const scene = await stage.scene(`timeout-${name}`, { gateTimeout: '5s', ...spec });
  await scene.create(podOf('bare', await stage.silentImage()));
  expect(await scene.state('bare')).toMatch(GATED);
  await scene.becomes('bare', state);
  await scene.told('bare', 'GateTimedOut');
});

test.concurrent.each<[string, string, (scene: Scene) => Promise<unknown>]>([
  ['the policy is deleted', 'unruled', () => stage.kubectl(['delete', 'archpolicy', 'unruled'])],
  [
    'the namespace is skipped',
    'skipped',
    () => stage.kubectl(['label', 'namespace', 'skipped', 'archpolicy.dev/skip=true']),
  ],
  ['the pod is skipped', 'pod-skipped', (scene) => scene.kubectl(['label', 'pod', 'bare', 'archpolicy.dev/skip=true'])],
  ['no policy matches the namespace', 'unmatched', () => stage.kubectl(['label', 'namespace', 'unmatched', 'scene-'])],
])('PL12 freed at once: %s', async (_, name, happens) => {
  const scene = await stage.scene(name);
  await scene.create(podOf('bare', await stage.silentImage()));
  expect(await scene.state('bare')).toMatch(GATED);
  await happens(scene);
  await scene.becomes('bare', ANYWHERE);
});

test.concurrent('PL12 terms and the gates of others survive', async () => {
  const scene = await stage.scene('owners');
  const { image, release } = scene.slowImage('app', 'linux/arm64');
  const terms = [
    { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'Exists' }] },
    { matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: ['x'] }] },
    {},
  ];
  const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } };
  await scene.create(
    podOf('terms', image, { affinity }),
    podOf('gates', image, { schedulingGates: [{ name: 'a.b/c' }] }),
  );
  expect(await scene.state('gates')).toBe(`a.b/c ${GATE}`);
  release();
  await scene.becomes('terms', /^arm64-\d arm64 arm64$/u);
  await scene.becomes('gates', /^arm64 a\.b\/c$/u);
});

test.concurrent('PL2 a webhook after ours adds a sidecar: its image counts, known or not', async () => {
  const scene = await stage.scene('sidecar', { preference: { architectures: ['amd64'] } });
  const app = scene.image('app', 'linux/amd64', 'linux/arm64');
  const known = scene.image('mesh', 'linux/arm64');
  const { image: slow, release } = scene.slowImage('slow-mesh', 'linux/arm64');
  const injector = await ForeignWebhook.start((pod) => {
    const { name, containers } = pod['spec'] as { name?: string; containers: readonly JsonObject[] };
    const image = (pod['metadata'] as JsonObject)['name'] === 'warm' ? known : slow;
    const sidecar = { name: 'mesh', image };
    return name !== undefined || containers.length > 1
      ? []
      : [{ op: 'add', path: '/spec/containers/-', value: sidecar }];
  });
  try {
    await stage.apply(injector.configuration(scene.name, 'CREATE'));
    await stage.until('the injector to be called', async () =>
      (
        await scene.kubectl(['create', '--dry-run=server', '-o', 'yaml', '-f', '-'], JSON.stringify(podOf('warm', app)))
      ).includes(known),
    );
    await scene.create(podOf('warm', app), podOf('cold', app));
    await scene.becomes('warm', ON_ARM64);
    expect(await scene.state('cold')).toMatch(/^(amd64,arm64 )?archpolicy.dev\/inspecting$/u);
    release();
    await scene.becomes('cold', /^arm64-\d (amd64,arm64 )?arm64$/u);
  } finally {
    await stage.kubectl(['delete', 'mutatingwebhookconfiguration', `foreign-${scene.name}`]);
    await injector.stop();
  }
});

test.concurrent('PL12 a webhook that notes something on every update of a pod does not keep it gated', async () => {
  const scene = await stage.scene('noted');
  const { image, release } = scene.slowImage('app', 'linux/arm64');
  const clerk = await ForeignWebhook.start(() => [{ op: 'add', path: '/metadata/labels/seen', value: 'yes' }]);
  try {
    await stage.apply(clerk.configuration(scene.name, 'UPDATE'));
    await scene.create(podOf('probe', image), podOf('bare', image));
    await stage.until('the clerk to be called', async () =>
      (
        await scene.kubectl(['annotate', 'pod', 'probe', '--overwrite', 'a=b', '--dry-run=server', '-o', 'yaml'])
      ).includes('seen: "yes"'),
    );
    release();
    await scene.becomes('bare', ON_ARM64);
    expect(await scene.kubectl(['get', 'pod', 'bare', '-o', 'jsonpath={.metadata.labels.seen}'])).toBe('yes');
  } finally {
    await stage.kubectl(['delete', 'mutatingwebhookconfiguration', `foreign-${scene.name}`]);
    await clerk.stop();
  }
});

// A file that names no platform that any node could have: no waiting makes it better.
test.concurrent.each<[string, JsonObject, RegExp]>([
  ['Gate', {}, ANYWHERE],
  ['Admit', {}, ANYWHERE],
  ['Fallback', { fallbackArchitecture: 'arm64' }, ON_ARM64],
])('PL9 an index without a usable platform, %s: never gated', async (whenUnresolved, spec, state) => {
  const scene = await stage.scene(`unusable-${whenUnresolved.toLowerCase()}`, { whenUnresolved, ...spec });
  await scene.create(podOf('bare', scene.image('app')));
  expect(await scene.state('bare')).not.toContain(GATE);
  await scene.becomes('bare', state);
});

test.concurrent('PL9 an index without a usable platform, Deny: refused', async () => {
  const scene = await stage.scene('unusable-deny', { whenUnresolved: 'Deny' });
  const pod = podOf('bare', scene.image('app'));
  await stage.until('the policy to be followed', async () =>
    scene.create(pod).then(
      async () => (await scene.kubectl(['delete', 'pod', 'bare', '--force', '--grace-period=0']), false),
      (error: unknown) => String(error).includes('refused by ArchPolicy unusable-deny'),
    ),
  );
});

test.concurrent('PL9 a dry run of a pod that would be gated shows the gate and leaves nothing behind', async () => {
  const scene = await stage.scene('dry');
  const pod = JSON.stringify(podOf('bare', await stage.silentImage()));
  expect(await scene.kubectl(['create', '--dry-run=server', '-o', 'yaml', '-f', '-'], pod)).toContain(GATE);
  expect(await scene.state('bare')).toBe('absent');
  expect(await scene.kubectl(['get', 'events', '-o', 'name'])).toBe('');
});

test.concurrent.each(['--server-side', '--server-side=false'])(
  'PL12 kubectl apply %s of the same manifest while its pod is gated, and after',
  async (way) => {
    const scene = await stage.scene(`twice-${way.length}`);
    const { image, release } = scene.slowImage('app', 'linux/arm64');
    const items = [podOf('bare', image), workload('Deployment', 'app', image, { replicas: 1 })];
    const manifest = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    const apply = (): Promise<string> => scene.kubectl(['apply', way, '-f', '-'], manifest);
    await apply();
    expect(await scene.state('bare')).toMatch(GATED);
    await apply();
    expect(await scene.state('bare')).toMatch(GATED);
    release();
    await scene.becomes('bare', ON_ARM64);
    await scene.become('app', 1, ON_ARM64);
    await apply();
    await scene.becomes('bare', ON_ARM64);
  },
);

test.concurrent.each(['Forbidden', 'Invalid'])(
  'PL12 the cluster refuses the first level (%s): the requirement passes',
  async (reason) => {
    const scene = await stage.scene(`level-${reason.toLowerCase()}`);
    const { image, release } = scene.slowImage('app', 'linux/arm64');
    await refuseUnless(scene, NO_NOTES, reason);
    await scene.create(podOf('bare', image));
    release();
    await scene.becomes('bare', ON_ARM64);
    expect(await scene.kubectl(['get', 'pod', 'bare', '-o', 'yaml'])).toContain('"kind":"gate"');
  },
);

test.concurrent('PL12 the cluster refuses every constraint: the gate goes alone, with an event', async () => {
  const scene = await stage.scene('level-gate');
  const { image, release } = scene.slowImage('app', 'linux/arm64');
  await refuseUnless(scene, `!has(object.spec.affinity) && ${NO_NOTES}`);
  await scene.create(podOf('bare', image));
  release();
  await scene.becomes('bare', ANYWHERE);
  await scene.told('bare', 'LiftRefused');
});

test.concurrent('PL12 the cluster refuses all of it for a while: tried again until it passes', async () => {
  const scene = await stage.scene('level-none');
  const { image, release } = scene.slowImage('app', 'linux/arm64');
  await refuseUnless(scene, `object.spec.?schedulingGates.orValue([]).size() > 0 && ${NO_NOTES}`);
  await scene.create(podOf('bare', image));
  release();
  await scene.told('bare', 'LiftRefused');
  expect(await scene.state('bare')).toMatch(GATED);
  await stage.kubectl(['delete', 'validatingadmissionpolicybinding', scene.name]);
  await scene.becomes('bare', ON_ARM64);
});

// From here on, cases that disturb the others: they run one after the other.

/** The next operator waits until the Lease of the one that was killed has run out; meanwhile the webhook is killed. */
let lifted: Promise<void>;

test('PL12 the operator is killed while pods are gated: they wait', async () => {
  const scene = await stage.scene('killed');
  const { image, release } = scene.slowImage('app', 'linux/arm64');
  await scene.kubectl(['apply', '-f', '-'], JSON.stringify(workload('Deployment', 'app', image, { replicas: 3 })));
  await scene.become('app', 3, GATED);
  process.kill(Number(stage.cluster.get('OPERATOR_PID')), 'SIGKILL');
  release();
  stage.cluster = await stage.cluster.up('all');
  await scene.become('app', 3, GATED);
  lifted = scene.become('app', 3, ON_ARM64);
  lifted.catch(() => undefined);
});

test('PL12 the webhook is killed in the middle of a burst: every pod is admitted, and ends where it runs', async () => {
  const scene = await stage.scene('burst', { remediation: { gracePeriodAfterScheduling: '1s' } });
  const { image, release } = scene.slowImage('app', 'linux/arm64');
  const deployment = workload('Deployment', 'app', image, { replicas: 12 });
  await scene.kubectl(['apply', '-f', '-'], JSON.stringify(deployment));
  process.kill(Number(stage.cluster.get('WEBHOOK_PID')), 'SIGKILL');
  await stage.until('all pods to be admitted', async () => (await scene.states('app')).length === 12);
  release();
  stage.cluster = await stage.cluster.up('all');
  await scene.become('app', 12, /^arm64-\d( arm64)?$/u);
});

test('PL12 the next operator lifts them', async () => {
  await lifted;
});

test('P9 with nothing of ArchPolicy running, the documented line frees what is gated', async () => {
  const scene = await stage.scene('freed');
  await stage.canGate();
  const image = await stage.silentImage();
  await scene.create(podOf('bare', image), podOf('shared', image, { schedulingGates: [{ name: 'a.b/c' }] }));
  expect(await scene.state('bare')).toMatch(GATED);
  for (const pid of ['WEBHOOK_PID', 'OPERATOR_PID'] as const) process.kill(Number(stage.cluster.get(pid)), 'SIGKILL');
  const page = await readFile(join(import.meta.dirname, '../../../docs/placement.md'), 'utf8');
  const [, line = ''] = /```sh\n(kubectl get pods [^`]*)\n```/u.exec(page) ?? [];
  const path = `${dirname(stage.cluster.get('KUBECTL'))}:/usr/local/bin:/usr/bin:/bin`;
  const kubeconfig = stage.cluster.get('KUBECONFIG');
  // Without a HOME, kubectl keeps its cache in the working directory.
  const env = { PATH: path, KUBECONFIG: kubeconfig, HOME: dirname(kubeconfig) };
  await promisify(execFile)('sh', ['-c', line], { env });
  expect(await scene.state('shared')).toBe('a.b/c');
  await scene.becomes('bare', ANYWHERE);
  // Again, with nothing gated, it has nothing to do.
  await promisify(execFile)('sh', ['-c', line], { env });
});
