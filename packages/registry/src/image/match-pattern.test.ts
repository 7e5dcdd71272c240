import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parsePattern } from './match-pattern.ts';
import type { ImageName } from './match-pattern.ts';
import { MatchIndex } from './match-index.ts';
import { matchesKey } from './fixtures/reference-match.ts';

/** Pattern, image, and whether a credential with the pattern applies to the image. */
const cases: readonly (readonly [string, string, boolean])[] = [
  ['registry.corp', 'registry.corp/team/app', true],
  ['https://registry.corp', 'registry.corp/team/app', true],
  ['http://registry.corp/', 'registry.corp/team/app', true],
  ['https://registry.corp/v1/', 'registry.corp/team/app', true],
  ['https://registry.corp/v2/', 'registry.corp/team/app', true],
  ['https://registry.corp/v2/team', 'registry.corp/team/app', true],
  ['REGISTRY.corp', 'registry.corp/app', true],
  // Host and port match exactly.
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
  // The path is the beginning of the repository, as a text.
  ['registry.corp/team', 'registry.corp/team/app', true],
  ['registry.corp/team/', 'registry.corp/team/app', true],
  ['registry.corp/team', 'registry.corp/teams/app', true],
  ['registry.corp/team', 'registry.corp/tea', false],
  ['registry.corp/Team', 'registry.corp/team/app', false],
  ['registry.corp/team/app', 'registry.corp/team', false],
  ['registry.corp/te*', 'registry.corp/team/app', false],
  ['registry.corp/v2', 'registry.corp/v2/app', true],
  // Docker Hub.
  ['https://index.docker.io/v1/', 'docker.io/library/nginx', true],
  ['index.docker.io', 'docker.io/team/app', true],
  ['docker.io', 'docker.io/team/app', true],
  ['registry-1.docker.io', 'docker.io/team/app', false],
  ['https://index.docker.io/v1/', 'registry.corp/library/nginx', false],
  // Invalid patterns.
  ['', 'registry.corp/app', false],
  ['https://', 'registry.corp/app', false],
  ['user@registry.corp', 'registry.corp/app', true],
  ['registry.corp@attacker.tld', 'registry.corp/app', false],
  ['[::1]:5000', '[::1]:5000/app', true],
  ['[::1]', '[::1]:5000/app', false],
];

/** Whether a credential with the key applies to the image. */
function matches(key: string, imageName: ImageName): boolean {
  const parse = parsePattern(key);
  return parse.kind === 'ok' && isFoundIn(new MatchIndex([{ pattern: parse.value, value: key }]), imageName);
}

function isFoundIn(index: MatchIndex<string>, imageName: ImageName): boolean {
  return [...index.find(imageName)].length > 0;
}

function toImageName(image: string): ImageName {
  const slash = image.indexOf('/');
  return { registry: image.slice(0, slash), repository: image.slice(slash + 1) };
}

describe('I5 the images to which a credential applies', () => {
  test.each(cases)('I5 %j and %s: %s', (key, image, expected) => {
    expect(matches(key, toImageName(image))).toBe(expected);
    if (key !== '') expect(matchesKey(key, toImageName(image))).toBe(expected);
  });

  test('I5 keys match like the reference implementation', () => {
    fc.assert(
      fc.property(image, key, (imageName, generated) => {
        expect(matches(generated, imageName)).toBe(matchesKey(generated, imageName));
      }),
      { numRuns: 2_000 },
    );
  });

  test('I5 a host with characters replaced by wildcards matches, also with a leading path', () => {
    fc.assert(
      fc.property(
        image,
        fc.array(fc.boolean(), { maxLength: 12 }),
        fc.nat({ max: 3 }),
        (imageName, replaced, depth) => {
          const [name = '', end = ''] = imageName.registry.split(/(?=:)/);
          const glob = Array.from(name, (each, at) => (each !== '.' && replaced[at] === true ? '*' : each)).join('');
          const generated = [`${glob}${end}`, ...imageName.repository.split('/').slice(0, depth)].join('/');
          expect(matchesKey(generated, imageName)).toBe(true);
          expect(matches(generated, imageName)).toBe(true);
        },
      ),
    );
  });

  test('I5 an index finds all matching keys, in reverse alphabetical order', () => {
    fc.assert(
      fc.property(fc.array(key, { maxLength: 40 }), fc.array(image, { maxLength: 5 }), (keys, imageNames) => {
        const entries = keys.flatMap((value) => {
          const parse = parsePattern(value);
          return parse.kind === 'ok' ? [{ pattern: parse.value, value }] : [];
        });
        const index = new MatchIndex(entries);
        // Twice: the second time from the cache.
        for (const imageName of [...imageNames, ...imageNames]) {
          const all = entries.filter(({ value }) => matchesKey(value, imageName));
          // The key of Docker Hub counts only if no other key matches.
          const others = all.filter(({ pattern }) => pattern.host !== 'index.docker.io');
          const matching = others.length > 0 ? others : all;
          const sorted = matching.toSorted((a, b) =>
            a.pattern.key === b.pattern.key ? 0 : a.pattern.key < b.pattern.key ? 1 : -1,
          );
          expect([...index.find(imageName)]).toEqual(sorted.map(({ value }) => value));
        }
      }),
    );
  });
});

const label = fc.string({ unit: fc.constantFrom('a', 'b', '1'), minLength: 1, maxLength: 4 });
const globLabel = fc.string({ unit: fc.constantFrom('a', 'b', '1', '*', '*'), minLength: 1, maxLength: 6 });
const port = fc.constantFrom('', '', ':1', ':5000');
const segments = fc.array(fc.constantFrom('a', 'b', 'ab'), { minLength: 1, maxLength: 3 });
const image: fc.Arbitrary<ImageName> = fc.oneof(
  fc.record({
    registry: fc
      .tuple(fc.array(label, { minLength: 1, maxLength: 3 }), port)
      .map(([labels, end]) => labels.join('.') + end),
    repository: segments.map((parts) => parts.join('/')),
  }),
  fc.constant({ registry: 'docker.io', repository: 'library/nginx' }),
);
const key = fc
  .tuple(
    fc.constantFrom('', '', 'https://', 'HTTP://'),
    fc.oneof(
      { weight: 9, arbitrary: fc.array(globLabel, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.')) },
      fc.constantFrom('docker.io', 'index.docker.io', '*.docker.io', 'd*r.io', 'INDEX.docker.io'),
    ),
    port,
    fc.oneof(
      { weight: 2, arbitrary: fc.constant([]) },
      fc.array(fc.constantFrom('a', 'b', 'v1', 'library', ''), { maxLength: 3 }),
    ),
  )
  .map(([scheme, host, end, path]) => [`${scheme}${host}${end}`, ...path].join('/'));

describe('P8 keys beyond the bounds of matching', () => {
  const most = 'a'.repeat(63);
  test.each([
    ['', 'malformed'],
    ['user@', 'malformed'],
    ['registry.corp/team%6', 'malformed'],
    ['a'.repeat(1025), 'too-long'],
    [`${most}a.corp`, 'too-long'],
    [`*${most}a.corp`, 'too-long'],
    [Array.from({ length: 5 }, () => most).join('.'), 'too-long'],
    ['.'.repeat(300), 'too-long'],
    [`registry.corp/${'a/'.repeat(128)}b`, 'too-long'],
    ['*a*b*c*d*', 'too-many-wildcards'],
    [Array.from({ length: 17 }, () => '*').join('.'), 'too-many-wildcards'],
  ])('P8 %j is unusable: %s', (text, reason) => {
    expect(parsePattern(text)).toEqual({ kind: 'failed', failure: reason });
  });

  test.each([
    ['consecutive wildcards', `${'*'.repeat(900)}.corp`],
    ['four wildcards', '*r*y*.corp'],
    ['the longest label', `${most}*.corp`],
    ['sixteen labels', Array.from({ length: 16 }, () => '*').join('.')],
    ['more labels without a wildcard', Array.from({ length: 17 }, () => 'a').join('.')],
  ])('P8 %s: %j is usable', (_, text) => {
    expect(parsePattern(text).kind).toBe('ok');
  });

  test('P8 of too many hosts with wildcards, the first are used and the others counted', () => {
    const keys = Array.from({ length: 70 }, (_, index) => [
      `*.h${index}.corp`,
      `*.h${index}.corp/team`,
      `h${index}.corp`,
    ]);
    const index = new MatchIndex(
      keys.flat().flatMap((value) => {
        const parse = parsePattern(value);
        return parse.kind === 'ok' ? [{ pattern: parse.value, value }] : [];
      }),
    );
    expect(index.unused).toBe(12);
    const find = (registry: string): string[] => [...index.find({ registry, repository: 'team/app' })];
    expect(find('a.h63.corp')).toEqual(['*.h63.corp/team', '*.h63.corp']);
    expect(find('a.h64.corp')).toEqual([]);
    expect(find('h69.corp')).toEqual(['h69.corp']);
  });
});
