import { expect, test } from '@jest/globals';
import { ANNOTATION_DECISION } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { podTemplate, workload } from '../../support/manifests.ts';
import { runsRight } from './cases.ts';
import type { Case, Images } from './cases.ts';
import type { World } from './world.ts';

/** Four owners in two namespaces: were the annotation evidence, twenty wrong landings would close the brake (R7). */
const NAMESPACES = ['forged-1', 'forged-2'];
const EACH = 5;

const REQUIRED = {
  nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/arch', operator: 'In', values: ['arm64'] }] }],
};
/** Says that ArchPolicy had put the pod on arm64 nodes. */
const FORGED = JSON.stringify({
  v: 1,
  policy: 'forged-1',
  kind: 'constrain',
  reason: 'ImagesSupport',
  architectures: ['arm64'],
  terms: 1,
  added: [{ path: '/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution', value: REQUIRED }],
});

function forging(
  namespace: string,
  app: string,
  { arm64 }: Images,
  more: Readonly<Record<string, string>> = {},
): JsonObject {
  const template = podTemplate(app, arm64, { annotations: { [ANNOTATION_DECISION]: FORGED, ...more } });
  return workload('Deployment', namespace, app, template, { replicas: EACH });
}

export const forged: Case = {
  namespaces: NAMESPACES,
  objects: (images) =>
    NAMESPACES.flatMap((namespace) => [
      forging(namespace, 'movable', images),
      // These stay and bear false witness for as long as the suite lasts.
      forging(namespace, 'staying', images, { 'archpolicy.dev/allow-eviction': 'false' }),
    ]),
};

export function forgedTests(world: World): void {
  test('R7 twenty pods that say that ArchPolicy placed them stop nobody’s eviction, not even their own', async () => {
    expect(world.before.filter(({ namespace }) => NAMESPACES.includes(namespace))).toHaveLength(20);
    await world.until('those that may be evicted to run on arm64 nodes', () => {
      const movable = NAMESPACES.flatMap((namespace) => world.live.pods(namespace, 'movable'));
      return movable.length === NAMESPACES.length * EACH && movable.every(runsRight);
    });
    const staying = NAMESPACES.flatMap((namespace) => world.live.pods(namespace, 'staying'));
    expect(staying.map(({ architecture }) => architecture)).toEqual(staying.map(() => 'amd64'));
  });
}
