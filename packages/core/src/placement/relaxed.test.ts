import { expect, test } from '@jest/globals';
import type { JsonObject } from '../json/json.ts';
import { buildInput, buildPolicy } from './fixtures/row.ts';
import { placePod } from './place-pod.ts';

const UNTIL = '2026-01-01T13:00:00Z';
const NOW = Date.UTC(2026, 0, 1, 12);
const POLICY: JsonObject = { preference: { architectures: ['arm64', 's390x'] } };

/**
 * Returns the architectures of a pod in namespace `team` that runs on three architectures, with this in
 * `status.relaxed`.
 */
function placed(
  entry: JsonObject,
  policy: JsonObject = POLICY,
  image = 'linux/amd64 linux/arm64 linux/s390x',
): readonly string[] {
  const row = { images: { web: image }, nodes: ['amd64', 'arm64', 's390x'], nowMs: NOW };
  const input = buildInput({ title: '', ...row } as unknown as Parameters<typeof buildInput>[0]);
  const { decision } = placePod({ ...input, policy: buildPolicy(policy, { relaxed: [{ ...entry, until: UNTIL }] }) });
  return decision.kind === 'constrain' ? decision.architectures : [];
}

const ALL = ['amd64', 'arm64', 's390x'];

test.each<[string, JsonObject, readonly string[]]>([
  ['nothing', { owner: 'other/Deployment/web' }, ['arm64']],
  [
    'the preferred architecture in its namespace: the next one is used',
    { scope: 'Namespace', namespace: 'team', architecture: 'arm64' },
    ['s390x'],
  ],
  [
    'the preferred architecture in another namespace',
    { scope: 'Namespace', namespace: 'other', architecture: 'arm64' },
    ['arm64'],
  ],
  ['the preferred architecture', { scope: 'Architecture', architecture: 'arm64' }, ['s390x']],
  ['a later architecture of the preference', { scope: 'Architecture', architecture: 's390x' }, ['arm64']],
  ['an unknown scope', { scope: 'Zone', architecture: 'arm64', owner: 'team/Pod/p' }, ['arm64']],
])('R9 PL6 the status relaxes %s', (_, entry, expected) => {
  expect(placed(entry)).toEqual(expected);
});

test('R9 PL6 if the only preferred architecture is relaxed, the pod gets all that its images support', () => {
  const policy = { preference: { architectures: ['arm64'] } };
  expect(placed({ scope: 'Architecture', architecture: 'arm64' }, policy)).toEqual(ALL);
});

test('R9 PL9 a relaxed fallback narrows nothing', () => {
  const policy = { whenUnresolved: 'Fallback', fallbackArchitecture: 'arm64' };
  const unknown = 'unresolved Unauthorized';
  expect(placed({ scope: 'Architecture', architecture: 'amd64' }, policy, unknown)).toEqual(['arm64']);
  expect(placed({ scope: 'Architecture', architecture: 'arm64' }, policy, unknown)).toEqual([]);
});
