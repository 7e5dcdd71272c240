import { describe, expect, test } from '@jest/globals';
import { BuildProgress, duration } from './build-progress.ts';

describe('the progress of a build', () => {
  test('counts downloads until the number of packages is set', () => {
    const progress = new BuildProgress();
    progress.line('go: downloading k8s.io/api v0.36.3');
    progress.line('go: downloading k8s.io/client-go v0.36.3');
    expect(progress.describe(15)).toBe('building the control plane: finding its modules, 2 modules downloaded (15 s)');
  });

  test('counts compiled packages', () => {
    const progress = new BuildProgress();
    progress.setTotal(1934);
    for (const line of ['internal/abi', 'k8s.io/api/core/v1', 'go: warning: something', '# k8s.io/api', 'a.go:1: no']) {
      progress.line(line);
    }
    expect(progress.describe(200)).toBe(
      'building the control plane: compiled 2 of at most 1,934 packages (3 min 20 s)',
    );
  });

  test.each([
    [0.4, '0 s'],
    [59.4, '59 s'],
    [60, '1 min 0 s'],
    [754, '12 min 34 s'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});
