import { describe, expect, test } from '@jest/globals';
import { alwaysPulledImages } from './pull-policy.ts';

describe('alwaysPulledImages', () => {
  test('returns the images that at least one container or volume pulls Always', () => {
    const spec = {
      containers: [
        { image: 'a', imagePullPolicy: 'Always' },
        { image: 'b', imagePullPolicy: 'IfNotPresent' },
        { image: 'c', imagePullPolicy: 'IfNotPresent' },
      ],
      initContainers: [{ image: 'c', imagePullPolicy: 'Always' }],
      volumes: [{ image: { reference: 'd', pullPolicy: 'Always' } }, { image: { reference: 'e' } }, { emptyDir: {} }],
    };
    expect([...alwaysPulledImages({ spec })].sort()).toEqual(['a', 'c', 'd']);
  });

  test.each([
    [{}],
    [{ spec: null }],
    [{ spec: { containers: {} } }],
    [{ spec: { containers: [null, 1, { image: 2 }] } }],
  ])('returns none for %j', (pod) => {
    expect(alwaysPulledImages(pod).size).toBe(0);
  });
});
