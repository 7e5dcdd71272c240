import { expect, test } from '@jest/globals';
import { ANNOTATION_DECISION } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { podTemplate, workload } from '../../support/manifests.ts';
import { runsOnArm64 } from './cases.ts';
import type { Case, Images } from './cases.ts';
import type { OperatorSuite } from './operator-suite.ts';

/**
 * Two namespaces, with four owners. If the forged annotation counted as evidence, the twenty outcomes of their
 * evictions would stop further evictions (R7).
 */
const NAMESPACES = ['forged-1', 'forged-2'];
const EACH = 5;

const REQUIRED = {
  nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/arch', operator: 'In', values: ['arm64'] }] }],
};
/** A forged decision, according to which ArchPolicy constrained the pod to arm64. */
const FORGED = JSON.stringify({
  v: 1,
  policy: 'forged-1',
  kind: 'constrain',
  reason: 'ImagesSupport',
  architectures: ['arm64'],
  terms: 1,
  added: [{ path: '/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution', value: REQUIRED }],
});

function deployment(
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
      deployment(namespace, 'movable', images),
      // These pods must stay, with their forged annotation, until the end of the suite.
      deployment(namespace, 'staying', images, { 'archpolicy.dev/allow-eviction': 'false' }),
    ]),
};

export function forgedTests(suite: OperatorSuite): void {
  test('R7 twenty pods with a forged decision do not stop evictions, not even their own', async () => {
    expect(suite.before.filter(({ namespace }) => NAMESPACES.includes(namespace))).toHaveLength(20);
    await suite.waitFor('the movable pods to run on arm64 nodes', () => {
      const movable = NAMESPACES.flatMap((namespace) => suite.live.pods(namespace, 'movable'));
      return movable.length === NAMESPACES.length * EACH && movable.every(runsOnArm64);
    });
    const staying = NAMESPACES.flatMap((namespace) => suite.live.pods(namespace, 'staying'));
    expect(staying.map(({ architecture }) => architecture)).toEqual(staying.map(() => 'amd64'));
  });
}
