import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { nodeNames, START_TIMEOUT_MILLISECONDS } from '@archpolicy/e2e';
import { LABEL_SKIP, SKIP_VALUE } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { PODS } from '@archpolicy/kube';
import { barePod, podTemplate, workload } from '../../support/manifests.ts';
import type { SeenPod } from '../../support/pods.ts';
import { acceptedEvictions } from './audit.ts';
import { runsRight } from './cases.ts';
import type { Case } from './cases.ts';
import { conditions, crashLoop, ended, running } from './statuses.ts';
import { World } from './world.ts';

/** The owners of the suite, each in a namespace of its name. */
const [RAN, BESIDE, BROKEN, NEVER_RAN, MARKER] = ['ran', 'beside', 'broken', 'never-ran', 'marker'] as const;
/** Of a pod that runs on a node that its image excludes: Ready now or not. */
const RUNS = 'ReadyOnWrongArchitecture';
const REPLICAS = 4;
const AMD64_NODES = nodeNames.filter((name) => name.startsWith('amd64'));

/** Its image declares arm64 alone, and it runs on amd64 all the same. */
const ran: Case = {
  namespaces: [RAN],
  objects: ({ arm64 }) => [
    workload('Deployment', RAN, 'web', podTemplate('web', arm64, { emulated: true }), { replicas: REPLICAS }),
  ],
};

/** An application of arm64 alone beside a sidecar that runs everywhere. */
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

/** Its image declares arm64, and every node refuses it. */
const broken: Case = {
  namespaces: [BROKEN],
  later: true,
  objects: ({ arm64 }) => {
    const main = { name: 'main', image: arm64.reference, terminationMessagePolicy: 'FallbackToLogsOnError' };
    const template = podTemplate('web', { ...arm64, platforms: ['linux/s390x'] }, { spec: { containers: [main] } });
    return [workload('Deployment', BROKEN, 'web', template, { replicas: REPLICAS })];
  },
};

/** A misplaced pod that stays as `BarePod`, and that the operator skips while it has the label. */
const marker: Case = {
  namespaces: [MARKER],
  objects: ({ arm64 }) => [barePod(MARKER, 'marker', arm64, { emulated: true })],
};

/** It crashes on amd64, as its image declares. */
const neverRan: Case = {
  namespaces: [NEVER_RAN],
  later: true,
  objects: ({ arm64 }) => [workload('Deployment', NEVER_RAN, 'web', podTemplate('web', arm64))],
};

jest.setTimeout(120_000);

describe('pods that are not Ready for a moment, on a real control plane', () => {
  const world = new World();
  const staying = (reason: string): Promise<number> => world.leader.countNotEvicted(reason);
  const stay = (pods: number, reason: string): Promise<unknown> =>
    world.until(`${pods} pods to be reported as ${reason}`, async () => (await staying(reason)) === pods);
  const evictionsIn = async (namespace: string): Promise<number> =>
    acceptedEvictions(await world.audit()).filter(({ objectRef }) => objectRef?.namespace === namespace).length;
  const change = (status: (pod: SeenPod) => JsonObject): Promise<unknown> =>
    Promise.all(world.live.pods(RAN).map((pod) => world.live.patchStatus(pod, status(pod))));
  const expectAllThere = async (): Promise<void> => {
    const before = world.before.filter(({ namespace }) => namespace === RAN).map(({ uid }) => uid);
    expect(world.live.pods(RAN).map(({ uid }) => uid)).toEqual(before);
    expect(await evictionsIn(RAN)).toBe(0);
  };
  const image = (): string => world.images.arm64.reference;
  let isMarked = false;
  /** Waits until the operator has evaluated every change that was made before: it evaluates pods in the order of their changes. */
  const evaluated = async (): Promise<void> => {
    isMarked = !isMarked;
    const labels = { [LABEL_SKIP]: isMarked ? SKIP_VALUE : null };
    await world.live.patch(PODS, MARKER, 'marker', { metadata: { labels } });
    await stay(isMarked ? 0 : 1, 'BarePod');
  };

  beforeAll(async () => {
    await world.start([ran, beside, broken, neverRan, marker]);
    const [pod] = world.live.pods(BESIDE);
    if (pod === undefined) throw new Error('there is no application beside a sidecar');
    // Before any operator sees it: this one has never run.
    const containerStatuses = [crashLoop('main', image(), 16), running('proxy', world.images.both.reference)];
    await world.live.patchStatus(pod, { ...conditions(false, 'ContainersNotReady'), containerStatuses });
    await world.operator('first');
  }, START_TIMEOUT_MILLISECONDS);

  afterAll(() => world.stop());

  test('R10 an application of arm64 alone that crashes beside a sidecar that runs is evicted', async () => {
    await world.until('it to run on an arm64 node', () => {
      const pods = world.live.pods(BESIDE);
      return pods.length === 1 && pods.every(runsRight);
    });
    expect(await evictionsIn(BESIDE)).toBe(1);
  });

  test('R10 one failed readiness probe of a pod that has been Ready: reported, not evicted', async () => {
    await stay(REPLICAS, RUNS);
    const [pod] = world.live.pods(RAN);
    if (pod === undefined) throw new Error('there is no pod that has run');
    const containerStatuses = [running('main', image(), false)];
    await world.live.patchStatus(pod, { ...conditions(false, 'ContainersNotReady'), containerStatuses });
    await evaluated();
    await stay(REPLICAS, RUNS);
    const told = await world.until('the event', () =>
      world.live.events(RAN, RUNS).find(({ regarding }) => regarding === pod.name),
    );
    expect(told.note).toContain('it is Ready on this node, or has run on it and no container fails');
    await expectAllThere();
  });

  test('R10 all replicas crash at once, because their database restarts: none is evicted', async () => {
    await change(() => ({
      ...conditions(false, 'ContainersNotReady'),
      containerStatuses: [ended('main', image())],
    }));
    await evaluated();
    await stay(REPLICAS, RUNS);
    await change(() => ({ containerStatuses: [crashLoop('main', image(), 4)] }));
    await evaluated();
    await stay(REPLICAS, RUNS);
    await expectAllThere();
  });

  test('R10 an operator that starts while they are not Ready evicts none of those whose program runs', async () => {
    const containerStatuses = [running('main', image(), false)];
    await change(() => ({ ...conditions(false, 'ContainersNotReady'), containerStatuses }));
    world.leader.send('SIGKILL');
    await world.leader.ended();
    await world.forgetLeader();
    await world.operator('second');
    await stay(REPLICAS, RUNS);
    await expectAllThere();
  });

  test('R6 R7 R10 a replacement that is a broken image stops its owner after the first eviction', async () => {
    await world.open(broken);
    await stay(REPLICAS - 1, 'OwnerStopped');
    const told = world.live.events(BROKEN, 'ReplacementBroken');
    expect(told.map(({ note }) => note)).toEqual([
      expect.stringMatching(
        /^Pod web-\S+ of Deployment web replaces an evicted pod and does not run on node arm64-\d/u,
      ),
    ]);
    expect(await evictionsIn(BROKEN)).toBe(1);
  });

  test('R10 their node is not Ready: nothing on it is evicted, whether it has run or not', async () => {
    const containerStatuses = [running('main', image())];
    await change(() => ({ ...conditions(true), containerStatuses }));
    await evaluated();
    await stay(REPLICAS, RUNS);
    await Promise.all(AMD64_NODES.map((name) => world.live.setSilent(name, true)));
    await world.open(neverRan);
    // As the node lifecycle controller does when a kubelet has been silent for a while: containers stay as they were.
    await change(() => conditions(false, 'NodeNotReady'));
    await evaluated();
    await stay(REPLICAS, RUNS);
    // Those of the broken image, too.
    await stay(1 + REPLICAS - 1, 'NodeNotReady');
    await expectAllThere();
    expect(await evictionsIn(NEVER_RAN)).toBe(0);
  });

  test('R10 the node is Ready again: what never ran is evicted, and nothing else', async () => {
    await Promise.all(AMD64_NODES.map((name) => world.live.setSilent(name, false)));
    await world.until('it to run on an arm64 node', () => {
      const pods = world.live.pods(NEVER_RAN);
      return pods.length === 1 && pods.every(runsRight);
    });
    await stay(REPLICAS, RUNS);
    await stay(REPLICAS - 1, 'OwnerStopped');
    await expectAllThere();
    expect(await evictionsIn(BROKEN)).toBe(1);
  });
});
