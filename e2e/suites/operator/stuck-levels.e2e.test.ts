import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { START_TIMEOUT_MILLISECONDS } from '@archpolicy/e2e';
import { arrayAt, isJsonObject, objectAt, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { podTemplate, workload } from '../../support/manifests.ts';
import { findAcceptedEvictions } from './audit.ts';
import { ARCHPOLICIES, runsOnArm64 } from './cases.ts';
import type { Case } from './cases.ts';
import { getArchitectures, volumeOnArm64, withClaim } from './stuck.ts';
import { OperatorSuite } from './operator-suite.ts';

/** A namespace with 11 workloads. More than 10 workloads of one namespace become one entry of `status.relaxed`. */
const CROWD = 'crowd';
/**
 * Three namespaces with seven workloads each. More than 20 workloads in at least three namespaces become one entry for
 * the architecture, and each namespace counts for at most seven workloads.
 */
const EVERYWHERE = ['everywhere-a', 'everywhere-b', 'everywhere-c'] as const;
const NAMESPACES_AND_WORKLOADS = [[CROWD, 11], ...EVERYWHERE.map((namespace) => [namespace, 7] as const)] as const;

/** A policy that constrains pods to amd64; its pods are created after the webhook has started. */
function preferring(namespaces: readonly string[]): Case {
  return { namespaces, spec: { preference: { architectures: ['amd64'] } }, objects: () => [] };
}

jest.setTimeout(180_000);

describe('many workloads that are stuck on one architecture, on a real control plane', () => {
  const suite = new OperatorSuite();
  const deployment = (namespace: string, app: string): JsonObject =>
    workload('Deployment', namespace, app, podTemplate(app, suite.images.both, withClaim(namespace)));
  /** The entries of `status.relaxed`, each with its scope and object. */
  const listRelaxed = async (policy: string): Promise<readonly string[]> => {
    const status = objectAt(await suite.live.get(ARCHPOLICIES, undefined, policy), 'status');
    return arrayAt(status, 'relaxed')
      .filter(isJsonObject)
      .map((entry) =>
        ['scope', 'namespace', 'owner', 'architecture'].flatMap((key) => textAt(entry, key) ?? []).join(' '),
      );
  };
  const countEvictions = async (namespace: string): Promise<number> =>
    findAcceptedEvictions(await suite.readAudit()).filter(({ objectRef }) => objectRef?.namespace === namespace).length;
  const next = async (namespace: string): Promise<readonly unknown[]> => {
    await suite.apply([deployment(namespace, 'next')]);
    const pod = await suite.waitFor('the next pod', () => suite.live.pods(namespace, 'next')[0]);
    return getArchitectures(suite, pod);
  };

  beforeAll(async () => {
    await suite.start([preferring([CROWD]), preferring(EVERYWHERE)]);
    await suite.startOperator('first', { ages: true });
    await suite.waitFor('the operator to lead', () => suite.leader.isLeading());
  }, START_TIMEOUT_MILLISECONDS);

  afterAll(() => suite.stop());

  test('R9 pods whose volumes are on an arm64 node are constrained to amd64 and unschedulable', async () => {
    await suite.apply(
      NAMESPACES_AND_WORKLOADS.flatMap(([namespace, count]) => [
        ...volumeOnArm64(namespace, namespace),
        ...Array.from({ length: count }, (_, index) => deployment(namespace, `web-${index}`)),
      ]),
    );
    for (const [namespace, count] of NAMESPACES_AND_WORKLOADS) {
      await suite.waitFor(`the scheduler to report the pods of ${namespace} as unschedulable`, () => {
        const pods = suite.live.pods(namespace);
        return pods.length === count && pods.every(({ unschedulable }) => unschedulable);
      });
    }
    // Wait until the operator has observed all pods, before the clock advances.
    await suite.waitFor(
      'all to be observed',
      async () => (await suite.leader.countNotEvicted('UnschedulableTooShort')) === 32,
    );
    suite.leader.advanceTenMinutes();
  });

  test('R9 eleven of one namespace are one entry, for the namespace and the architecture', async () => {
    await suite.waitFor('the entry', async () => {
      const entries = await listRelaxed(CROWD);
      return entries.length === 1 && entries[0] === 'Namespace crowd amd64';
    });
    expect(await next(CROWD)).toEqual(['amd64', 'arm64']);
  });

  test('R9 21 of three namespaces are one entry, for the architecture', async () => {
    await suite.waitFor('the entry', async () => {
      const [first = '', ...others] = await listRelaxed(EVERYWHERE[0]);
      return others.length === 0 && first === 'Architecture amd64';
    });
    expect(await next(EVERYWHERE[2])).toEqual(['amd64', 'arm64']);
  });

  test('R9 each of the pods is evicted once, and its replacement runs where the volume is', async () => {
    for (const [namespace, count] of NAMESPACES_AND_WORKLOADS) {
      await suite.waitFor(`the pods of ${namespace} to run`, () => {
        const pods = suite.live.pods(namespace).filter(({ app }) => app !== 'next');
        return pods.length === count && pods.every(runsOnArm64);
      });
      expect([namespace, await countEvictions(namespace)]).toEqual([namespace, count]);
    }
  });
});
