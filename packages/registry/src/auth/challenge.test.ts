import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseRegistries, Registries } from '../config/registries.ts';
import { parseChallenge } from './challenge.ts';
import { parseRealm } from './realm.ts';

interface RawChallenge {
  readonly scheme: string;
  readonly token68: string | undefined;
  readonly parameters: readonly { readonly name: string; readonly value: string; readonly spaces: string }[];
}

/** Text that would be parsed as a challenge if it were not quoted. */
const confusing = fc
  .array(
    fc.constantFrom(', ', 'Bearer ', 'Basic', 'realm=', '"', '\\', '=', ' ', 'https://evil/token', 'service', ','),
    {
      maxLength: 8,
    },
  )
  .map((parts) => parts.join(''));
const separator = fc.constantFrom(',', ', ', ' ,', ' ,, , ', '\t,');
const rawChallenge: fc.Arbitrary<RawChallenge> = fc.record({
  scheme: fc.constantFrom('Bearer', 'bearer', 'BASIC', 'Basic', 'Digest', 'Negotiate', 'x-custom'),
  token68: fc.option(fc.stringMatching(/^[A-Za-z0-9\-._~+/]{1,20}={0,2}$/), { nil: undefined, freq: 4 }),
  parameters: fc.array(
    fc.record({
      name: fc.constantFrom('realm', 'Realm', 'service', 'scope', 'error', 'bearer', 'basic'),
      value: fc.oneof(confusing, fc.string({ maxLength: 20 }), fc.constant('https://a.example/token')),
      spaces: fc.constantFrom('', ' ', '\t'),
    }),
    { maxLength: 4 },
  ),
});

function composeChallenge({ scheme, token68, parameters }: RawChallenge, comma: string): string {
  if (token68 !== undefined) return `${scheme} ${token68}`;
  const quoted = parameters.map(({ name, value, spaces }) => {
    const escaped = value.replaceAll(/["\\]/g, String.raw`\$&`);
    return `${name}${spaces}=${spaces}"${escaped}"`;
  });
  return parameters.length === 0 ? scheme : `${scheme} ${quoted.join(comma)}`;
}

function expectedChallenge(challenges: readonly RawChallenge[]): object | undefined {
  const schemes = challenges.map(({ scheme, token68, parameters }) => ({
    scheme: scheme.toLowerCase(),
    values: new Map((token68 === undefined ? parameters : []).map(({ name, value }) => [name.toLowerCase(), value])),
  }));
  const found = schemes.find(({ scheme, values }) => scheme === 'bearer' && values.has('realm'));
  if (found !== undefined) return bearer(found.values.get('realm') ?? '', found.values.get('service'));
  return schemes.some(({ scheme }) => scheme === 'basic') ? { kind: 'basic' } : undefined;
}

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
    // A quoted text is one value, even if it looks like a challenge.
    ['Basic realm="a, Bearer realm=https://evil/token"', { kind: 'basic' }],
    ['Digest realm="x, Bearer realm=\\"https://evil/token\\"", Basic realm="y"', { kind: 'basic' }],
    ['Digest realm="x", nonce="Basic, Bearer realm=y"', undefined],
    ['Bearer error="invalid, Basic", realm="https://a/token",service="s"', bearer('https://a/token', 's')],
    [
      'Bearer realm="https://a/token",error_description="x, Bearer realm=\\"https://evil\\""',
      bearer('https://a/token'),
    ],
    // Forms of the grammar.
    ['Negotiate YII=, Basic realm="x"', { kind: 'basic' }],
    ['Negotiate Basic, Bearer realm="https://a/token"', bearer('https://a/token')],
    ['Bearer realm = "https://a/token" , service\t=\t"s"', bearer('https://a/token', 's')],
    [', ,Basic realm="x",, ', { kind: 'basic' }],
    ['Bearer realm="https://a/token" service="s"', bearer('https://a/token', 's')],
    ['Bearer realm="a",realm="https://a/token"', bearer('https://a/token')],
    // A quote without an end hides what follows.
    ['Basic realm="x, Bearer realm=https://evil/token', { kind: 'basic' }],
    ['"Bearer realm=https://evil/token", Basic', { kind: 'basic' }],
    ['realm="https://a/token", Basic', { kind: 'basic' }],
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

  test('I6 any header that follows the grammar is parsed as it was composed', () => {
    fc.assert(
      fc.property(fc.array(rawChallenge, { minLength: 1, maxLength: 4 }), separator, (challenges, comma) => {
        const header = challenges.map((challenge) => composeChallenge(challenge, comma)).join(comma);
        fc.pre(header.length <= 4096);
        expect(parseChallenge(header)).toEqual(expectedChallenge(challenges));
      }),
      { numRuns: 2_000 },
    );
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
    ['https://auth.example/token', https, 'usable'],
    ['https://auth.example:8443/token?x=1', https, 'usable'],
    ['http://auth.example/token', https, 'token-service-plain-http'],
    ['http://auth.example/token', http, 'usable'],
    ['https://auth.example/token', http, 'usable'],
    ['https://user@auth.example/token', https, 'token-service-url-invalid'],
    ['https://user:pass@auth.example/token', https, 'token-service-url-invalid'],
    ['ftp://auth.example/token', http, 'token-service-url-invalid'],
    ['/token', https, 'token-service-url-relative'],
    ['token', https, 'token-service-url-relative'],
    ['//auth.example/token', https, 'token-service-url-relative'],
    ['javascript:alert(1)', http, 'token-service-url-invalid'],
    ['https://blocked.example/token', https, 'token-service-blocked'],
    ['https://', https, 'token-service-url-invalid'],
    [`/${'x'.repeat(3_000)}`, https, 'token-service-url-invalid'],
    ['', https, 'token-service-url-invalid'],
  ])('P5 %s named by %s: %s', (realm, registry, expected) => {
    const parsed = parseRealm(realm, registry, registries);
    expect(parsed.kind === 'ok' ? 'usable' : parsed.failure).toBe(expected);
  });
});
