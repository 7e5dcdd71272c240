import { describe, expect, test } from '@jest/globals';
import { LEASES, PODS, resourcePath, withQuery } from './paths.ts';
import type { ObjectLocation, Resource } from './paths.ts';

describe('paths', () => {
  test.each<[Resource, ObjectLocation, string]>([
    [PODS, {}, '/api/v1/pods'],
    [PODS, { namespace: 'shop' }, '/api/v1/namespaces/shop/pods'],
    [PODS, { namespace: 'shop', name: 'web', subresource: 'eviction' }, '/api/v1/namespaces/shop/pods/web/eviction'],
    [LEASES, { namespace: 'a', name: 'b' }, '/apis/coordination.k8s.io/v1/namespaces/a/leases/b'],
    [PODS, { namespace: 'a/../b', name: 'x?y=z' }, '/api/v1/namespaces/a%2F..%2Fb/pods/x%3Fy%3Dz'],
  ])('for %j at %j', (resource, location, expected) => {
    expect(resourcePath(resource, location)).toBe(expected);
  });

  test('queries omit undefined parameters and encode the others', () => {
    expect(withQuery('/a')).toBe('/a');
    expect(withQuery('/a', { continue: undefined })).toBe('/a');
    expect(withQuery('/a', { watch: true, limit: 500, labelSelector: 'a=b,c' })).toBe(
      '/a?watch=true&limit=500&labelSelector=a%3Db%2Cc',
    );
  });
});
