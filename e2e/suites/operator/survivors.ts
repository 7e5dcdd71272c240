import { beforeAll, expect, test } from '@jest/globals';
import type { JsonObject } from '@archpolicy/core';
import { barePod, job, podTemplate, workload } from '../../support/manifests.ts';
import type { SeenPod } from '../../support/pods.ts';
import { findAcceptedEvictions } from './audit.ts';
import type { Case, Images } from './cases.ts';
import type { OperatorSuite } from './operator-suite.ts';

const NAMESPACE = 'survivors';
const NO_RESTART: JsonObject = { restartPolicy: 'Never' };
const IGNORE_DISRUPTION = {
  rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
};

function mirrorPod({ arm64 }: Images): JsonObject {
  const annotations = { 'kubernetes.io/config.mirror': 'x', 'kubernetes.io/config.source': 'file' };
  return barePod(NAMESPACE, 'mirror', arm64, { annotations, spec: { nodeName: 'amd64-1' } });
}

/** Misplaced pods that are not evicted, each for a different reason, and pods of Jobs that tolerate an eviction. */
export const survivors: Case = {
  namespaces: [NAMESPACE],
  objects: (images) => [
    barePod(NAMESPACE, 'bare', images.arm64),
    mirrorPod(images),
    workload('DaemonSet', NAMESPACE, 'agent', podTemplate('agent', images.arm64)),
    workload('Deployment', NAMESPACE, 'emulated', podTemplate('emulated', images.arm64, { emulated: true })),
    workload(
      'Deployment',
      NAMESPACE,
      'opted-out',
      podTemplate('opted-out', images.arm64, { annotations: { 'archpolicy.dev/allow-eviction': 'false' } }),
    ),
    job(NAMESPACE, 'done', podTemplate('done', images.arm64, { emulated: true, spec: NO_RESTART }), {
      backoffLimit: 0,
    }),
    job(NAMESPACE, 'failed', podTemplate('failed', images.arm64, { spec: NO_RESTART }), { backoffLimit: 0 }),
    job(NAMESPACE, 'brittle', podTemplate('brittle', images.arm64, { refusedAtPull: true, spec: NO_RESTART }), {
      backoffLimit: 0,
    }),
    job(NAMESPACE, 'tough', podTemplate('tough', images.arm64, { refusedAtPull: true, spec: NO_RESTART }), {
      backoffLimit: 0,
      podFailurePolicy: IGNORE_DISRUPTION,
    }),
    job(NAMESPACE, 'spare', podTemplate('spare', images.arm64, { refusedAtPull: true, spec: NO_RESTART }), {
      backoffLimit: 2,
    }),
  ],
};

/** The pods that are not evicted, with the reason of each. Finished pods are missing, because they get no event. */
const NOT_EVICTED = [
  ['R2', 'bare', 'a bare pod', 'BarePod'],
  ['R2', 'mirror', 'the mirror pod of a static pod', 'StaticPod'],
  ['R2', 'agent', 'each pod of a DaemonSet', 'DaemonSetPod'],
  ['R1', 'emulated', 'a pod that is Ready on the wrong node (emulation)', 'ReadyOnWrongArchitecture'],
  ['R1', 'opted-out', 'a pod that carries allow-eviction: "false"', 'OptedOut'],
  ['R2', 'brittle', 'the pod of a Job that would fail permanently', 'JobWouldFail'],
  ['R1', 'done', 'the finished pod of a complete Job', undefined],
  ['R1', 'failed', 'the failed pod of a failed Job', undefined],
] as const;

export function survivorTests(suite: OperatorSuite): void {
  /** The pods before an operator started. */
  let before: readonly SeenPod[] = [];

  beforeAll(() => {
    before = suite.before.filter(({ namespace }) => namespace === NAMESPACE);
  });

  test.each(NOT_EVICTED)('%s %s: %s stays', async (_rule, app, _what, reason) => {
    const misplaced = before.filter((pod) => pod.app === app && pod.architecture === 'amd64');
    expect(misplaced).not.toEqual([]);
    const names = misplaced.map(({ name }) => name);
    if (reason !== undefined) {
      await suite.waitFor(`an event ${reason}`, () => {
        const reported = new Set(suite.live.events(NAMESPACE, reason).map(({ regarding }) => regarding));
        return names.every((name) => reported.has(name));
      });
    }
    const uids = suite.live.pods(NAMESPACE, app).map(({ uid }) => uid);
    expect(uids).toEqual(expect.arrayContaining(misplaced.map(({ uid }) => uid)));
  });

  test.each(['tough', 'spare'])(
    'R2 %s: the pod of a Job that tolerates it is evicted, and the Job completes',
    async (app) => {
      await suite.waitFor('its pod to have run on an arm64 node', () => {
        const pods = suite.live.pods(NAMESPACE, app);
        return pods.some(({ architecture, phase }) => architecture === 'arm64' && phase === 'Succeeded');
      });
    },
  );
}

/** Tests that run at the end of the suite, to check that no later test moved these pods. */
export function stillThere(suite: OperatorSuite): void {
  test('R1 R2 pods that stay are still there at the end of the suite', async () => {
    const staying = new Set<string>(NOT_EVICTED.map(([, app]) => app));
    const before = suite.before.filter(({ namespace, app }) => namespace === NAMESPACE && staying.has(app));
    const uids = suite.live.pods(NAMESPACE).map(({ uid }) => uid);
    expect(uids).toEqual(expect.arrayContaining(before.map(({ uid }) => uid)));
    const evicted = findAcceptedEvictions(await suite.readAudit()).filter(
      ({ objectRef }) => objectRef?.namespace === NAMESPACE,
    );
    expect(evicted.map(({ objectRef }) => objectRef?.name?.split('-')[0]).sort()).toEqual(['spare', 'tough']);
  });
}
