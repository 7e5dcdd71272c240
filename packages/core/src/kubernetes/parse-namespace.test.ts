import { describe, expect, test } from '@jest/globals';
import { parseNamespace } from './parse-namespace.ts';

describe('a namespace', () => {
  test('is parsed to its name, labels and annotations', () => {
    expect(parseNamespace({ metadata: { name: 'shop', labels: { team: 'blue' } } })).toEqual({
      name: 'shop',
      labels: { team: 'blue' },
      annotations: {},
    });
    expect(parseNamespace({ metadata: {} })).toBeUndefined();
  });

  test('R1 is being deleted from the request for its deletion on, until its pods are deleted', () => {
    const metadata = { name: 'shop', deletionTimestamp: '2026-01-01T00:00:00Z' };
    expect(parseNamespace({ metadata, status: { phase: 'Terminating' } })).toMatchObject({ deleting: true });
    expect(parseNamespace({ metadata: { name: 'shop' }, status: { phase: 'Active' } })).not.toHaveProperty('deleting');
  });
});
