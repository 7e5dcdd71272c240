import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { overriddenPlatforms } from './image-override.ts';

const image = { registry: 'registry.corp', repository: 'legacy/app', tag: 'v1' };
const arm = { match: '*', platforms: ['linux/arm/v7'] };

describe('overriddenPlatforms', () => {
  test.each([
    ['registry.corp/legacy/app', true],
    ['registry.corp/legacy/app:v1', true],
    ['registry.corp/legacy/*', true],
    ['registry.corp/*', true],
    ['*/app', true],
    ['*', true],
    ['**', true],
    ['*legacy*app*', true],
    ['*:v*', true],
    ['registry.corp/legacy/app:v2', false],
    ['registry.corp/legacy', false],
    ['registry.corp/legacy/', false],
    ['registry.corp/legacy/ap', false],
    ['registry.corp/legacy/app*x', false],
    ['registry_corp/legacy/app', false],
    ['registry.corpX/*', false],
    ['', false],
  ])('%s matches registry.corp/legacy/app:v1: %p', (match, expected) => {
    const found = overriddenPlatforms([{ match, platforms: ['linux/amd64'] }], image);
    expect(found).toEqual(expected ? [{ os: 'linux', architecture: 'amd64' }] : undefined);
  });

  test('a pattern can contain a digest', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const entry = { match: `registry.corp/legacy/app@${digest}`, platforms: ['linux/arm64'] };
    expect(overriddenPlatforms([entry], { ...image, digest })).toEqual([{ os: 'linux', architecture: 'arm64' }]);
    expect(overriddenPlatforms([entry], image)).toBeUndefined();
  });

  test('the first entry that matches counts, with its variants', () => {
    expect(overriddenPlatforms([arm, { match: '*', platforms: ['linux/amd64'] }], image)).toEqual([
      { os: 'linux', architecture: 'arm', variant: 'v7' },
    ]);
  });

  test('no entry: the image has to be inspected', () => {
    expect(overriddenPlatforms([], image)).toBeUndefined();
  });

  test('PL4 a pattern matches like an exhaustive search', () => {
    const canMatch = (pattern: string, text: string): boolean => {
      if (pattern === '') return text === '';
      if (!pattern.startsWith('*'))
        return text.startsWith(pattern.slice(0, 1)) && canMatch(pattern.slice(1), text.slice(1));
      return canMatch(pattern.slice(1), text) || (text !== '' && canMatch(pattern, text.slice(1)));
    };
    const unit = fc.constantFrom('a', 'b', '/', '*', '*');
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/'), minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 10 }), text, (match, repository) => {
        const found = overriddenPlatforms([{ match, platforms: ['linux/amd64'] }], { registry: 'a', repository });
        expect(found !== undefined).toBe(canMatch(match, `a/${repository}`));
      }),
      { numRuns: 2_000 },
    );
  });

  test('many stars against a long text that almost matches take linear time', () => {
    const match = `${'a*'.repeat(255)}b`;
    expect(
      overriddenPlatforms([{ match, platforms: ['linux/amd64'] }], { ...image, registry: 'a'.repeat(800) }),
    ).toBeUndefined();
  });
});
