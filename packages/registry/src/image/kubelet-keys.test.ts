import { describe, expect, test } from '@jest/globals';
import { MatchIndex } from './match-index.ts';
import { parsePattern } from './match-pattern.ts';

/**
 * Key, image without its tag, and whether the kubelet uses the credential of the key for the image. The rows are those of
 * https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/credentialprovider/keyring_test.go, with image names as the
 * kubelet passes them.
 */
const KEYRING_TESTS: readonly (readonly [key: string, image: string, expected: boolean])[] = [
  ['*.kubernetes.io', 'prefix.kubernetes.io/app', true],
  ['prefix.*.io', 'prefix.kubernetes.io/app', true],
  ['prefix.kubernetes.*', 'prefix.kubernetes.io/app', true],
  ['*-good.kubernetes.io', 'prefix-good.kubernetes.io/app', true],
  ['*.kubernetes.io/blah', 'prefix.kubernetes.io/blah', true],
  ['prefix.*.io/foo', 'prefix.kubernetes.io/foo/bar', true],
  ['*.kubernetes.io:1111/blah', 'prefix.kubernetes.io:1111/blah', true],
  ['prefix.*.io:1111/foo', 'prefix.kubernetes.io:1111/foo/bar', true],
  ['*.kubernetes.io', 'kubernetes.io/app', false],
  ['*.*.kubernetes.io', 'prefix.kubernetes.io/app', false],
  ['*.*.kubernetes.io', 'kubernetes.io/app', false],
  ['kubernetes.io', 'kubernetes.com/app', false],
  ['k*.io', 'quay.io/app', false],
  ['*.kubernetes.io:1234/blah', 'prefix.kubernetes.io:1111/blah', false],
  ['prefix.*.io/foo', 'prefix.kubernetes.io:1111/foo/bar', false],
  ['https://hello.kubernetes.io', 'hello.kubernetes.io/foo/bar', true],
  ['https://*.docker.io', 'prefix.docker.io/foo/bar', true],
  ['https://prefix.docker.*/path', 'prefix.docker.io/path/foo/bar', true],
  ['https://prefix.*.io/path', 'prefix.docker.io/path/subpath/foo/bar', true],
  ['https://*.docker.io:8888', 'prefix.docker.io:8888/foo/bar', true],
  ['https://*.docker.io/v1/', 'prefix.docker.io/path/foo/bar', true],
  ['https://*.docker.io/v2/', 'prefix.docker.io/path/foo/bar', true],
  ['prefix.docker.io:1111', 'prefix.docker.io:1111/path/foo/bar', true],
  ['https://hello.kubernetes.io', 'world.mesos.org/foo/bar', false],
  ['https://*.docker.com', 'prefix.docker.io/foo/bar', false],
  ['https://suffix.*.io', 'prefix.docker.io/foo/bar', false],
  ['https://prefix.docker.c*', 'prefix.docker.io/foo/bar', false],
  ['https://index.docker.io/v1/', 'world.mesos.org/foo/bar', false],
  ['https://index.docker.io/v1/', 'docker.io/google/docker-registry', true],
  ['https://index.docker.io/v1/', 'docker.io/library/jenkins', true],
];

/** Further rows. The results are those of the same functions of that release: `Add`, `URLsMatchStr`, `Lookup`. */
const FURTHER: typeof KEYRING_TESTS = [
  ['index.docker.io', 'docker.io/library/jenkins', true],
  ['index.docker.io/library', 'docker.io/library/jenkins', false],
  ['*.docker.io', 'docker.io/library/jenkins', false],
  ['docker.io/library', 'docker.io/library/jenkins', true],
  ['reg.corp/team', 'reg.corp/team-a/x', true],
  ['reg.corp/team', 'reg.corp/team', true],
  ['reg.corp/team/', 'reg.corp/team/x', true],
  ['reg.corp/team/', 'reg.corp/team-a/x', false],
  ['reg.corp/team/', 'reg.corp/team', false],
  ['reg.corp//team', 'reg.corp/team/x', false],
  ['reg.corp/v1/team', 'reg.corp/team/x', true],
  ['reg.corp/v1/v2/team', 'reg.corp/team/x', false],
  ['reg.corp/v2', 'reg.corp/v2-app', true],
  ['reg.corp/te*', 'reg.corp/team', false],
  ['reg.corp/t%65am', 'reg.corp/team/x', true],
  ['reg.corp/t%6', 'reg.corp/team/x', false],
  ['reg.corp?x=1', 'reg.corp/team/x', true],
  ['reg.corp/team?x=1', 'reg.corp/team/x', true],
  ['reg.corp/team#x', 'reg.corp/team/x', true],
  ['re?.corp', 'reg.corp/team/x', false],
  ['re[a-z].corp', 'reg.corp/team/x', false],
  ['[r]eg.corp', 'reg.corp/team/x', false],
  ['user@reg.corp', 'reg.corp/team/x', true],
  ['user:pass@reg.corp/team', 'reg.corp/team/x', true],
  ['reg.corp:', 'reg.corp/team/x', true],
  ['reg.corp:*', 'reg.corp:5000/team/x', false],
  ['[::1]:5000', '[::1]:5000/app', true],
  ['reg.corp/team/app:v1', 'reg.corp/team/app', false],
];

/** Returns the keys whose credentials apply to the image, in their order. */
function find(image: string, ...keys: readonly string[]): readonly string[] {
  const entries = keys.flatMap((value) => {
    const parse = parsePattern(value);
    return parse.kind === 'ok' ? [{ pattern: parse.value, value }] : [];
  });
  const slash = image.indexOf('/');
  const imageName = { registry: image.slice(0, slash), repository: image.slice(slash + 1) };
  return [...new MatchIndex(entries).find(imageName)];
}

describe('I5 the keys that the kubelet uses for an image', () => {
  test.each(KEYRING_TESTS)('I5 its own tests: %s and %s: %s', (key, image, expected) => {
    expect(find(image, key)).toEqual(expected ? [key] : []);
  });

  test.each(FURTHER)('I5 %s and %s: %s', (key, image, expected) => {
    expect(find(image, key)).toEqual(expected ? [key] : []);
  });

  test('I5 longer keys come first', () => {
    const keys = ['reg.corp', 'reg.corp/team', 'reg.corp/team-a', '*.corp', 'reg.corp/team-a/'];
    expect(find('reg.corp/team-a/app', ...keys)).toEqual([
      'reg.corp/team-a/',
      'reg.corp/team-a',
      'reg.corp/team',
      'reg.corp',
      '*.corp',
    ]);
  });

  test('I5 the key of Docker Hub counts only if no other key matches', () => {
    const hub = 'https://index.docker.io/v1/';
    expect(find('docker.io/team/app', hub, 'docker.io/other')).toEqual([hub]);
    expect(find('docker.io/team/app', hub, 'docker.io/team')).toEqual(['docker.io/team']);
    expect(find('docker.io/team/app', hub, '*.io')).toEqual(['*.io']);
  });
});
