import { describe, expect, test } from '@jest/globals';
import { parseManifests } from './manifests.ts';

describe('the manifests', () => {
  test.each([
    ['', 'empty'],
    ['kind: [', 'document 1 of the manifests is not YAML'],
    ['kind: A', 'document 1 of the manifests has no apiVersion, kind or name'],
    ['a', 'document 1 of the manifests has no apiVersion, kind or name'],
  ])('%j cannot be used', (text, problem) => {
    expect(() => parseManifests(text)).toThrow(problem);
  });
});
