import { expect, test } from '@jest/globals';
import { policy } from '../fixtures/objects.ts';
import { findDegradations } from './degradations.ts';
import type { DegradationInput } from './degradations.ts';

const INPUT: DegradationInput = {
  policy: policy({}),
  webhook: { kind: 'reachable' },
  recordFailing: false,
  certificates: undefined,
  tolerations: undefined,
  brake: { kind: 'running' },
  losesTieTo: new Map(),
  losses: [],
};

const getMessage = (changes: Partial<DegradationInput>): string =>
  findDegradations({ ...INPUT, ...changes })
    .map(({ message }) => message)
    .join(' ');

test('R3 the message about the webhook quotes the API server, and names evictions only if the policy evicts', () => {
  const webhook = { kind: 'unreachable', cause: 'timed-out', words: 'context deadline exceeded' } as const;
  const enforcing = getMessage({ webhook });
  expect(enforcing).toContain('firewall');
  expect(enforcing).toContain('The API server reports: "context deadline exceeded".');
  expect(enforcing).toContain('No pods are evicted');
  expect(getMessage({ policy: policy({ mode: 'Audit' }), webhook })).not.toContain('evicted');
});

test('R3 the message about a rejected probe has the status and the words of the API server', () => {
  const webhook = { kind: 'probe-refused', status: 404, words: "namespaces 'archpolicy-probe' not found" } as const;
  const message = getMessage({ webhook });
  expect(message).toContain('with status 404');
  expect(message).toContain("namespaces 'archpolicy-probe' not found");
});
