import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseRegistries, Registries } from '../config/registries.ts';
import { parseChallenge } from './challenge.ts';
import { validateRealm } from './realm.ts';

const bearer = (realm: string, service = ''): object => ({ kind: 'bearer', realm, service });

describe('I6 challenges', () => {
  test.each([
    [
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io"',
      bearer('https://auth.docker.io/token', 'registry.docker.io'),
    ],
    ['bearer REALM="https://a/token", Service="s", scope="repository:a:pull,push"', bearer('https://a/token', 's')],
    ['Bearer realm=https://a/token,service=s', bearer('https://a/token', 's')],
    ['Bearer realm="https://a/\\"token"', bearer('https://a/"token')],
    ['Basic realm="registry"', { kind: 'basic' }],
    ['Basic', { kind: 'basic' }],
    ['Basic realm="x", Bearer realm="https://a/token",service="s"', bearer('https://a/token', 's')],
    ['Bearer realm="https://a/token",service="s", Basic realm="x"', bearer('https://a/token', 's')],
    ['Bearer service="s"', undefined],
    ['Bearer', undefined],
    ['Negotiate', undefined],
    ['Digest realm="basic "', undefined],
    ['', undefined],
    [`Basic ${'x'.repeat(5000)}`, undefined],
  ])('I6 %s', (header, expected) => {
    expect(parseChallenge(header)).toEqual(expected);
  });

  test('I6 several headers are parsed as one', () => {
    expect(parseChallenge(['Basic realm="x"', 'Bearer realm="https://a/token"'])).toEqual(bearer('https://a/token'));
    expect(parseChallenge(undefined)).toBeUndefined();
  });

  test('I6 any header is parsed without throwing or hanging', () => {
    const piece = fc.constantFrom('Bearer ', 'Basic', 'realm=', '"', '\\', ',', ' ', '=', 'a', 'service="s"');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece, { maxLength: 400 }).map((parts) => parts.join('')),
        ),
        (header) => {
          parseChallenge(header);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('P5 the token service that a registry names', () => {
  const registries = new Registries(parseRegistries('registries: [{host: blocked.example, blocked: true}]'));
  const https = new URL('https://registry.example/v2/');
  const http = new URL('http://registry.example/v2/');

  test.each([
    ['https://auth.example/token', https, true],
    ['https://auth.example:8443/token?x=1', https, true],
    ['http://auth.example/token', https, false],
    ['http://auth.example/token', http, true],
    ['https://auth.example/token', http, true],
    ['https://user@auth.example/token', https, false],
    ['https://user:pass@auth.example/token', https, false],
    ['ftp://auth.example/token', http, false],
    ['/token', https, false],
    ['//auth.example/token', https, false],
    ['javascript:alert(1)', http, false],
    ['https://blocked.example/token', https, false],
    ['', https, false],
  ])('P5 %s named by %s: %s', (realm, registry, expected) => {
    expect(validateRealm(realm, registry, registries) !== undefined).toBe(expected);
  });
});
