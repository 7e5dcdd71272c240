import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { nodeNames, START_TIMEOUT_MILLISECONDS } from '@archpolicy/e2e';
import { LABEL_SKIP, SKIP_VALUE } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { PODS } from '@archpolicy/kube';
import { barePod, podTemplate, workload } from '../../support/manifests.ts';
import type { SeenPod } from '../../support/pods.ts';
import { findAcceptedEvictions } from './audit.ts';
import { runsOnArm64 } from './cases.ts';
import type { Case } from './cases.ts';
import { conditions, crashLoop, ended, running } from './statuses.ts';
import { OperatorSuite } from './operator-suite.ts';

/** The owners, each in a namespace of its name. */
const [RAN, BESIDE, BROKEN, NEVER_RAN, MARKER] = ['ran', 'beside', 'broken', 'never-ran', 'marker'] as const;
/** Reason for a pod that runs, Ready or not, on a node that its image excludes. */
const RUNS = 'ReadyOnWrongArchitecture';
const REPLICAS = 4;
const AMD64_NODES = nodeNames.filter((name) => name.startsWith('amd64'));

/** A workload whose image declares only arm64 but also runs on amd64. */
const ran: Case = {
  namespaces: [RAN],
  objects: ({ arm64 }) => [
    workload('Deployment', RAN, 'web', podTemplate('web', arm64, { emulated: true }), { replicas: REPLICAS }),
  ],
};

/** An arm64-only application beside a sidecar for both architectures. */
const beside: Case = {
  namespaces: [BESIDE],
  objects: ({ arm64, both }) => {
    const containers = [
      { name: 'main', image: arm64.reference },
      { name: 'proxy', image: both.reference },
    ];
    return [workload('Deployment', BESIDE, 'web', podTemplate('web', arm64, { emulated: true, spec: { containers } }))];
  },
};

/** A workload whose image declares arm64 but crashes on every node. */
const broken: Case = {
  namespaces: [BROKEN],
  deferred: true,
  objects: ({ arm64 }) => {
    const main = { name: 'main', image: arm64.reference, terminationMessagePolicy: 'FallbackToLogsOnError' };
    const template = podTemplate('web', { ...arm64, platforms: ['linux/s390x'] }, { spec: { containers: [main] } });
    return [workload('Deployment', BROKEN, 'web', template, { replicas: REPLICAS })];
  },
};

/** A misplaced pod that is reported as `BarePod`, unless the label makes the operator ignore it. */
const marker: Case = {
  namespaces: [MARKER],
  objects: ({ arm64 }) => [barePod(MARKER, 'marker', arm64, { emulated: true })],
};

/** A workload whose image declares only arm64 and crashes on amd64. */
const neverRan: Case = {
  namespaces: [NEVER_RAN],
  deferred: true,
  objects: ({ arm64 }) => [workload('Deployment', NEVER_RAN, 'web', podTemplate('web', arm64))],
};

jest.setTimeout(120_000);

describe('pods that are not Ready for a moment, on a real control plane', () => {
  const suite = new OperatorSuite();
  const countNotEvicted = (reason: string): Promise<number> => suite.leader.countNotEvicted(reason);
  const waitForNotEvicted = (pods: number, reason: string): Promise<unknown> =>
    suite.waitFor(`${pods} pods to be reported as ${reason}`, async () => (await countNotEvicted(reason)) === pods);
  const countEvictions = async (namespace: string): Promise<number> =>
    findAcceptedEvictions(await suite.readAudit()).filter(({ objectRef }) => objectRef?.namespace === namespace).length;
  const patchStatuses = (status: (pod: SeenPod) => JsonObject): Promise<unknown> =>
    Promise.all(suite.live.pods(RAN).map((pod) => suite.live.patchStatus(pod, status(pod))));
  const expectNoneEvicted = async (): Promise<void> => {
    const before = suite.before.filter(({ namespace }) => namespace === RAN).map(({ uid }) => uid);
    expect(suite.live.pods(RAN).map(({ uid }) => uid)).toEqual(before);
    expect(await countEvictions(RAN)).toBe(0);
  };
  const getImage = (): string => suite.images.arm64.reference;
  let isMarked = false;
  /**
   * Waits until the operator has evaluated all earlier changes. To find this out, changes the pod `marker` and waits
   * for the effect, because the operator evaluates pods in the order of their changes.
   */
  const evaluated = async (): Promise<void> => {
    isMarked = !isMarked;
    const labels = { [LABEL_SKIP]: isMarked ? SKIP_VALUE : null };
    await suite.live.patch(PODS, MARKER, 'marker', { metadata: { labels } });
    await waitForNotEvicted(isMarked ? 0 : 1, 'BarePod');
  };

  beforeAll(async () => {
    await suite.start([ran, beside, broken, neverRan, marker]);
    const [pod] = suite.live.pods(BESIDE);
    if (pod === undefined) throw new Error('there is no application beside a sidecar');
    // Set the status before an operator sees the pod, so that the main container has never run for the operator.
    const containerStatuses = [crashLoop('main', getImage(), 16), running('proxy', suite.images.both.reference)];
    await suite.live.patchStatus(pod, { ...conditions(false, 'ContainersNotReady'), containerStatuses });
    await suite.startOperator('first');
  }, START_TIMEOUT_MILLISECONDS);

  afterAll(() => suite.stop());

  test('R10 an arm64-only application that crashes beside a running sidecar is evicted', async () => {
    await suite.waitFor('it to run on an arm64 node', () => {
      const pods = suite.live.pods(BESIDE);
      return pods.length === 1 && pods.every(runsOnArm64);
    });
    expect(await countEvictions(BESIDE)).toBe(1);
  });

  test('R10 one failed readiness probe of a pod that has been Ready: reported, not evicted', async () => {
    await waitForNotEvicted(REPLICAS, RUNS);
    const [pod] = suite.live.pods(RAN);
    if (pod === undefined) throw new Error('there is no pod that has run');
    const containerStatuses = [running('main', getImage(), false)];
    await suite.live.patchStatus(pod, { ...conditions(false, 'ContainersNotReady'), containerStatuses });
    await evaluated();
    await waitForNotEvicted(REPLICAS, RUNS);
    const event = await suite.waitFor('the event', () =>
      suite.live.events(RAN, RUNS).find(({ regarding }) => regarding === pod.name),
    );
    expect(event.note).toContain('it is Ready on this node, or has run on it and no container fails');
    await expectNoneEvicted();
  });

  test('R10 all replicas crash at once, because their database restarts: no pod is evicted', async () => {
    await patchStatuses(() => ({
      ...conditions(false, 'ContainersNotReady'),
      containerStatuses: [ended('main', getImage())],
    }));
    await evaluated();
    await waitForNotEvicted(REPLICAS, RUNS);
    await patchStatuses(() => ({ containerStatuses: [crashLoop('main', getImage(), 4)] }));
    await evaluated();
    await waitForNotEvicted(REPLICAS, RUNS);
    await expectNoneEvicted();
  });

  test('R10 an operator that starts while pods are not Ready does not evict pods whose program runs', async () => {
    const containerStatuses = [running('main', getImage(), false)];
    await patchStatuses(() => ({ ...conditions(false, 'ContainersNotReady'), containerStatuses }));
    suite.leader.send('SIGKILL');
    await suite.leader.ended();
    await suite.deleteLease();
    await suite.startOperator('second');
    await waitForNotEvicted(REPLICAS, RUNS);
    await expectNoneEvicted();
  });

  test('R6 R7 R10 a replacement with a broken image stops evictions of its owner after the first one', async () => {
    await suite.enable(broken);
    await waitForNotEvicted(REPLICAS - 1, 'OwnerStopped');
    const events = suite.live.events(BROKEN, 'ReplacementBroken');
    expect(events.map(({ note }) => note)).toEqual([
      expect.stringMatching(
        /^Pod web-\S+ of Deployment web replaces an evicted pod and does not run on node arm64-\d/u,
      ),
    ]);
    expect(await countEvictions(BROKEN)).toBe(1);
  });

  test('R10 a node that is not Ready: no pod on it is evicted, whether it has run or not', async () => {
    const containerStatuses = [running('main', getImage())];
    await patchStatuses(() => ({ ...conditions(true), containerStatuses }));
    await evaluated();
    await waitForNotEvicted(REPLICAS, RUNS);
    await Promise.all(AMD64_NODES.map((name) => suite.live.setSilent(name, true)));
    await suite.enable(neverRan);
    // For a silent kubelet, the node lifecycle controller changes only the conditions. The containers keep their state.
    await patchStatuses(() => conditions(false, 'NodeNotReady'));
    await evaluated();
    await waitForNotEvicted(REPLICAS, RUNS);
    // The count includes the pods of the broken image.
    await waitForNotEvicted(1 + REPLICAS - 1, 'NodeNotReady');
    await expectNoneEvicted();
    expect(await countEvictions(NEVER_RAN)).toBe(0);
  });

  test('R10 the node is Ready again: only the pod that never ran is evicted', async () => {
    await Promise.all(AMD64_NODES.map((name) => suite.live.setSilent(name, false)));
    await suite.waitFor('it to run on an arm64 node', () => {
      const pods = suite.live.pods(NEVER_RAN);
      return pods.length === 1 && pods.every(runsOnArm64);
    });
    await waitForNotEvicted(REPLICAS, RUNS);
    await waitForNotEvicted(REPLICAS - 1, 'OwnerStopped');
    await expectNoneEvicted();
    expect(await countEvictions(BROKEN)).toBe(1);
  });
});
