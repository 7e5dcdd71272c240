import { describe, expect, test } from '@jest/globals';
import { findHidden } from './prerequisites.ts';

describe('paths that a cluster with a real node does not see', () => {
  test.each([
    ['/var/lib/jenkins/cluster', true],
    ['/run/user/0/cluster', true],
    ['/var/log/x', true],
    ['/var/tmp/cluster', false],
    ['/home/u/run/cluster', false],
    ['/tmp/cluster', false],
  ])('%s: %s', (path, isHidden) => {
    expect(findHidden(['/tmp', path])).toBe(isHidden ? path : undefined);
  });
});
