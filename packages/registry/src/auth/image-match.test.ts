import { describe, expect, test } from '@jest/globals';
import { matches, parsePattern } from './image-match.ts';

/** Pattern, image, whether a credential kept under the pattern is meant for the image. */
const cases: readonly (readonly [string, string, boolean])[] = [
  ['registry.corp', 'registry.corp/team/app', true],
  ['https://registry.corp', 'registry.corp/team/app', true],
  ['http://registry.corp/', 'registry.corp/team/app', true],
  ['https://registry.corp/v1/', 'registry.corp/team/app', true],
  ['https://registry.corp/v2/', 'registry.corp/team/app', true],
  ['https://registry.corp/v2/team', 'registry.corp/team/app', true],
  ['REGISTRY.corp', 'registry.corp/app', true],
  // Host and port exactly.
  ['registry.corp', 'registry.corp.attacker.tld/app', false],
  ['registry.corp', 'notregistry.corp/app', false],
  ['registry.corp', 'sub.registry.corp/app', false],
  ['registry.corp', 'registry.corp:5000/app', false],
  ['registry.corp:5000', 'registry.corp/app', false],
  ['registry.corp:5000', 'registry.corp:5000/app', true],
  ['registry.corp:500', 'registry.corp:5000/app', false],
  ['registry.corp:5000', 'registry.corp:500/app', false],
  ['corp', 'registry.corp/app', false],
  // Globs stay within their label.
  ['*.corp', 'registry.corp/app', true],
  ['*.corp', 'a.b.corp/app', false],
  ['*.*.corp', 'a.b.corp/app', true],
  ['*.corp', 'registry.corp.attacker.tld/app', false],
  ['reg*.corp', 'registry.corp/app', true],
  ['r*g*y.corp', 'registry.corp/app', true],
  ['r*y*y.corp', 'registry.corp/app', false],
  ['*.corp', 'corp/app', false],
  ['*', 'registry.corp/app', false],
  ['*.corp:5000', 'registry.corp:5000/app', true],
  ['*.corp:*', 'registry.corp:5000/app', false],
  // The path by whole segments.
  ['registry.corp/team', 'registry.corp/team/app', true],
  ['registry.corp/team/', 'registry.corp/team/app', true],
  ['registry.corp/team', 'registry.corp/teams/app', false],
  ['registry.corp/team/app', 'registry.corp/team', false],
  ['registry.corp/te*', 'registry.corp/team/app', false],
  ['registry.corp/v2', 'registry.corp/v2/app', true],
  // Docker Hub.
  ['https://index.docker.io/v1/', 'docker.io/library/nginx', true],
  ['index.docker.io', 'docker.io/team/app', true],
  ['docker.io', 'docker.io/team/app', true],
  ['registry-1.docker.io', 'docker.io/team/app', false],
  ['https://index.docker.io/v1/', 'registry.corp/library/nginx', false],
  // No pattern at all.
  ['', 'registry.corp/app', false],
  ['https://', 'registry.corp/app', false],
  ['user@registry.corp', 'registry.corp/app', false],
  ['registry.corp@attacker.tld', 'registry.corp/app', false],
  ['[::1]:5000', '[::1]:5000/app', true],
  ['[::1]', '[::1]:5000/app', false],
];

describe('I5 which images a credential is meant for', () => {
  test.each(cases)('I5 %j and %s: %s', (key, image, expected) => {
    const pattern = parsePattern(key);
    const slash = image.indexOf('/');
    const place = { registry: image.slice(0, slash), repository: image.slice(slash + 1) };
    expect(pattern !== undefined && matches(pattern, place)).toBe(expected);
  });
});
