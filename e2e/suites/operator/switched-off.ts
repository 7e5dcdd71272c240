import { expect, test } from '@jest/globals';
import { podTemplate, workload } from '../../support/manifests.ts';
import type { Case } from './cases.ts';
import type { World } from './world.ts';

const deployment =
  (namespace: string): Case['objects'] =>
  ({ arm64 }) => [workload('Deployment', namespace, 'web', podTemplate('web', arm64), { replicas: 2 })];

export const audited: Case = { namespaces: ['audited'], spec: { mode: 'Audit' }, objects: deployment('audited') };
export const reported: Case = {
  namespaces: ['reported'],
  spec: { remediation: { action: 'Report' } },
  objects: deployment('reported'),
};

export function switchedOffTests(world: World): void {
  test.each([
    ['mode Audit', 'audited', 'AuditMode', 'its policy has mode Audit; with Enforce it would be evicted'],
    ['action Report', 'reported', 'ReportOnly', 'its policy has remediation.action Report; with Evict it would be'],
  ])('R1 %s: nothing is evicted, and an event says what would be', async (_what, namespace, reason, words) => {
    const before = world.before.filter((pod) => pod.namespace === namespace);
    expect(before).toHaveLength(2);
    const events = await world.until('an event on each pod', () => {
      const told = world.live.events(namespace, reason);
      return told.length >= before.length && told;
    });
    expect(events.map(({ regarding }) => regarding).sort()).toEqual(before.map(({ name }) => name));
    for (const { note } of events) expect(note).toContain(words);
    expect(world.live.pods(namespace).map(({ uid }) => uid)).toEqual(before.map(({ uid }) => uid));
  });
}
