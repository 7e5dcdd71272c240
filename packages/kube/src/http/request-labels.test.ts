import { expect, test } from '@jest/globals';
import { KubeError } from '../errors.ts';
import { toErrorLabel, toResource, toStatusLabel, toVerb } from './request-labels.ts';

test.each([
  ['GET', '/api/v1/pods', 'list', 'pods'],
  ['GET', '/api/v1/namespaces/shop', 'get', 'namespaces'],
  ['GET', '/api/v1/namespaces', 'list', 'namespaces'],
  ['GET', '/api/v1/namespaces/shop/secrets/pull', 'get', 'secrets'],
  ['POST', '/api/v1/namespaces/shop/pods/web-0/eviction', 'create', 'pods/eviction'],
  ['PATCH', '/apis/archpolicy.dev/v1alpha1/archpolicies/default/status', 'patch', 'archpolicies/status'],
  ['PUT', '/apis/coordination.k8s.io/v1/namespaces/archpolicy-system/leases/operator', 'update', 'leases'],
  ['POST', '/apis/events.k8s.io/v1/namespaces/shop/events', 'create', 'events'],
  ['GET', '/apis/example.com/v1/namespaces/shop/secret-project-x/a', 'get', 'other'],
  ['DELETE', '/', 'delete', 'other'],
] as const)('%s %s is counted as %s of %s', (method, path, verb, resource) => {
  expect([toVerb(method, path), toResource(path)]).toEqual([verb, resource]);
});

test.each([
  [200, '200'],
  [202, '2xx'],
  [301, '3xx'],
  [418, '4xx'],
  [429, '429'],
  [599, '5xx'],
])('the status %i has the label %s', (status, code) => {
  expect(toStatusLabel({ status })).toBe(code);
});

test.each([
  [new KubeError('Timeout', 'late'), 'timeout'],
  [new KubeError('Aborted', 'stopped'), 'aborted'],
  [new KubeError('TooLarge', 'too large'), 'invalid'],
  [new TypeError('unexpected'), 'network'],
])('%s has the label %s', (error, code) => {
  expect(toErrorLabel(error)).toBe(code);
});
