import { describe, expect, test } from '@jest/globals';
import { parsePlatform } from '../platform/parse.ts';
import type { DeclaredPlatforms } from '../platform/supported.ts';
import { compareContents } from './content-change.ts';

function content(...texts: readonly string[]): DeclaredPlatforms {
  const platforms = texts.map((text) => {
    const parsed = parsePlatform(text);
    if (parsed.kind !== 'platform') throw new Error(text);
    return parsed.platform;
  });
  return { platforms, neutral: platforms.length === 0 };
}

/** An index with amd64 and arm64, in a registry that no longer has the manifest for amd64. */
const lacksAmd64: DeclaredPlatforms = {
  ...content('linux/amd64', 'linux/arm64'),
  missing: [{ os: 'linux', architecture: 'amd64', sinceMs: 0 }],
};

describe('the architectures that a tag lost and gained', () => {
  test.each<[string, DeclaredPlatforms, DeclaredPlatforms, string, string]>([
    ['nothing', content('linux/amd64', 'linux/arm64'), content('linux/arm64', 'linux/amd64'), '', ''],
    ['one lost', content('linux/amd64', 'linux/arm64'), content('linux/amd64'), 'arm64', ''],
    ['one gained', content('linux/amd64'), content('linux/amd64', 'linux/arm64'), '', 'arm64'],
    ['one replaced by another', content('linux/amd64'), content('linux/arm64'), 'amd64', 'arm64'],
    ['a variant', content('linux/arm64/v8'), content('linux/arm64'), '', ''],
    ['386 for amd64: the same nodes run it', content('linux/amd64'), content('linux/386'), '', ''],
    ['of another OS', content('linux/amd64', 'windows/amd64'), content('linux/amd64'), 'amd64', ''],
    ['missing in the registry before', lacksAmd64, content('linux/amd64', 'linux/arm64'), '', ''],
    ['an artifact declares nothing', content('linux/amd64'), content(), '', ''],
    ['wasm declares nothing', content('wasi/wasm'), content('linux/amd64'), '', ''],
  ])('%s', (_, before, after, lost, gained) => {
    const change = compareContents(before, after);
    expect([change.lost.join(), change.gained.join()]).toEqual([lost, gained]);
  });
});
