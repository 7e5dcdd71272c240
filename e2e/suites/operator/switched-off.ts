import { expect, test } from '@jest/globals';
import { podTemplate, workload } from '../../support/manifests.ts';
import type { Case } from './cases.ts';
import type { OperatorSuite } from './operator-suite.ts';

const deployment =
  (namespace: string): Case['objects'] =>
  ({ arm64 }) => [workload('Deployment', namespace, 'web', podTemplate('web', arm64), { replicas: 2 })];

export const audited: Case = { namespaces: ['audited'], spec: { mode: 'Audit' }, objects: deployment('audited') };
export const reported: Case = {
  namespaces: ['reported'],
  spec: { remediation: { action: 'Report' } },
  objects: deployment('reported'),
};

export function switchedOffTests(suite: OperatorSuite): void {
  test.each([
    ['mode Audit', 'audited', 'AuditMode', 'its policy has mode Audit; with Enforce it would be evicted'],
    ['action Report', 'reported', 'ReportOnly', 'its policy has remediation.action Report; with Evict it would be'],
  ])('R1 %s: nothing is evicted, and an event reports what would be', async (_what, namespace, reason, words) => {
    const before = suite.before.filter((pod) => pod.namespace === namespace);
    expect(before).toHaveLength(2);
    const events = await suite.waitFor('an event on each pod', () => {
      const found = suite.live.events(namespace, reason);
      return found.length >= before.length && found;
    });
    expect(events.map(({ regarding }) => regarding).sort()).toEqual(before.map(({ name }) => name));
    for (const { note } of events) expect(note).toContain(words);
    expect(suite.live.pods(namespace).map(({ uid }) => uid)).toEqual(before.map(({ uid }) => uid));
  });
}
