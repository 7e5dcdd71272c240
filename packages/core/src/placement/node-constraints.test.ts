import { expect, test } from '@jest/globals';
import { NODE_ARCHITECTURES } from '../platform/supported.ts';
import { exceptOthersRequirement } from './node-constraints.ts';

test('PL5 images that support all architectures exclude none: the API server rejects a NotIn without values', () => {
  expect(exceptOthersRequirement(NODE_ARCHITECTURES)).toBeUndefined();
  const [first = 'amd64', ...others] = NODE_ARCHITECTURES;
  expect(exceptOthersRequirement(others)).toEqual({ key: 'kubernetes.io/arch', operator: 'NotIn', values: [first] });
});
