import { describe, expect, test } from '@jest/globals';
import { RegistryError } from '../errors.ts';
import { endpointsFor, rewritePath } from './endpoint.ts';
import { limitsFor } from './host-settings.ts';
import { parseRegistries, Registries } from './registries.ts';

const load = (text: string): Registries => new Registries(parseRegistries(text));

describe('I7 the entry of a host', () => {
  const registries = load(`registries:
    - {host: '*.corp.example', rewrite: [{from: a, to: wildcard}]}
    - {host: '*.eu.corp.example', rewrite: [{from: a, to: longer-wildcard}]}
    - {host: 'registry.corp.example:*', rewrite: [{from: a, to: any-port}]}
    - {host: 'registry.corp.example:5000', rewrite: [{from: a, to: exact}]}
    - {host: '[::1]:*', rewrite: [{from: a, to: ipv6}]}
    - {host: Docker.IO, rewrite: [{from: a, to: hub}]}`);

  test.each([
    ['registry.corp.example:5000', 'exact'],
    ['registry.corp.example:5001', 'any-port'],
    ['registry.corp.example', 'any-port'],
    ['REGISTRY.corp.example:5000', 'exact'],
    ['a.corp.example', 'wildcard'],
    ['a.b.corp.example', 'wildcard'],
    ['a.eu.corp.example', 'longer-wildcard'],
    ['a.corp.example:5000', undefined],
    ['corp.example', undefined],
    ['corp.example.attacker.tld', undefined],
    ['xcorp.example', undefined],
    ['[::1]:5000', 'ipv6'],
    ['docker.io', 'hub'],
  ])('I7 %s: %s', (host, expected) => {
    expect(registries.entryFor(host)?.rewrite[0]?.to).toBe(expected);
  });
});

describe('I7 all spellings of a blocked host', () => {
  const registries = load(`registries:
    - {host: registry.corp, blocked: true}
    - {host: 'ported.corp:443', blocked: true}
    - {host: 10.0.0.5, blocked: true}
    - {host: '10.0.0.6:*', blocked: true}
    - {host: '*.blocked.corp', blocked: true}
    - {host: 'a.blocked.corp:443', rewrite: [{from: a, to: b}]}
    - {host: 'open.corp:5000', rewrite: [{from: a, to: b}]}`);

  test.each([
    'registry.corp:443',
    'registry.corp:0443',
    'Registry.Corp:443',
    'ported.corp',
    'ported.corp:443',
    '0x0a.0.0.5',
    '10.5',
    '167772165',
    '012.0.0.5:443',
    '10.6:5000',
    'a.blocked.corp:443',
    'registry.corp.',
    'registry.corp.:443',
    'x.blocked.corp.',
  ])('I7 %s: blocked', (host) => {
    expect(registries.entryFor(host)?.blocked).toBe(true);
    expect(endpointsFor(host, 'app', registries)).toEqual([]);
  });

  test.each(['registry.corp:5000', '10.0.0.7', 'open.corp', 'open.corp:5000'])('I7 %s: not blocked', (host) => {
    expect(registries.entryFor(host)?.blocked).not.toBe(true);
  });

  test('K5 all spellings of a host share one limit', () => {
    const hosts = ['10.0.0.9', '10.9:443', '0xa.0.0.9'].map((host) => limitsFor(host, registries).host);
    expect(new Set(hosts)).toEqual(new Set(['10.0.0.9']));
  });
});

describe('I7 the names of Docker Hub', () => {
  const names = ['docker.io', 'index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com', 'docker.io:443'];

  test.each(names)('I7 an entry for %s that blocks applies to all names', (host) => {
    const registries = load(`registries: [{host: '${host}', blocked: true}]`);
    expect(names.filter((name) => endpointsFor(name, 'library/nginx', registries).length > 0)).toEqual([]);
  });

  test.each(names)('I7 an entry for %s applies to all names without an entry', (host) => {
    const registries = load(`registries: [{host: '${host}', rewrite: [{from: a, to: b}]}]`);
    expect(names.filter((name) => registries.entryFor(name) === undefined)).toEqual([]);
  });

  test('I7 the entry for the name as written has precedence, in any order', () => {
    const entries = names.slice(0, 4).map((host) => `{host: ${host}, rewrite: [{from: a, to: ${host}}]}`);
    for (const list of [entries, entries.toReversed()]) {
      const registries = load(`registries: [${list.join(', ')}]`);
      for (const name of names.slice(0, 4)) expect(registries.entryFor(name)?.rewrite[0]?.to).toBe(name);
    }
  });

  test.each(['docker.com', 'hub.docker.com', 'auth.docker.io', 'registry-2.docker.io', 'docker.io.example'])(
    'I7 %s is another host',
    (host) => {
      expect(load('registries: [{host: docker.io, blocked: true}]').entryFor(host)).toBeUndefined();
    },
  );

  test('K5 all names share one limit', () => {
    expect(new Set(names.map((name) => limitsFor(name, load('')).host))).toEqual(new Set(['docker.io']));
  });
});

describe('I7 the default of registries without an entry', () => {
  const registries = load(`default: {blocked: true}
registries:
  - {host: docker.io, mirrors: [{host: mirror.corp}]}
  - {host: '*.corp.example'}
  - {host: bad.corp.example, blocked: true}`);

  test.each([
    ['docker.io', ['mirror.corp', 'docker.io']],
    ['registry-1.docker.io', ['mirror.corp', 'registry-1.docker.io']],
    ['registry.corp.example', ['registry.corp.example']],
    ['bad.corp.example', []],
    ['quay.io', []],
    ['mirror.corp', []],
    ['10.0.0.5:5000', []],
  ])('I7 images of %s are read at %j', (host, expected) => {
    expect(endpointsFor(host, 'library/nginx', registries).map((endpoint) => endpoint.host)).toEqual(expected);
  });

  test('I7 nothing is blocked by default', () => {
    expect(load('').blocksImagesOf('quay.io')).toBe(false);
    expect(load('default: {}').blocksImagesOf('quay.io')).toBe(false);
  });
});

describe('I7 the endpoints of an image', () => {
  const urls = (text: string, registry = 'docker.io', repository = 'library/nginx'): readonly string[] =>
    endpointsFor(registry, repository, load(text)).map(({ base, repository: path }) => `${base.href}${path}`);

  test.each([
    ['no entry', '', ['https://registry-1.docker.io/v2/library/nginx']],
    [
      'a mirror, then upstream',
      'registries: [{host: docker.io, mirrors: [{host: "mirror.corp:5000"}]}]',
      ['https://mirror.corp:5000/v2/library/nginx', 'https://registry-1.docker.io/v2/library/nginx'],
    ],
    [
      'a mirror with a path',
      'registries: [{host: docker.io, mirrors: [{host: mirror.corp, rewrite: [{from: "", to: hub}]}]}]',
      ['https://mirror.corp/v2/hub/library/nginx', 'https://registry-1.docker.io/v2/library/nginx'],
    ],
    [
      'a mirror with plain HTTP by its own entry',
      'registries: [{host: docker.io, mirrors: [{host: mirror.corp}]}, {host: mirror.corp, plainHttp: true}]',
      ['http://mirror.corp/v2/library/nginx', 'https://registry-1.docker.io/v2/library/nginx'],
    ],
    [
      'a blocked mirror',
      'registries: [{host: docker.io, mirrors: [{host: mirror.corp}]}, {host: mirror.corp, blocked: true}]',
      ['https://registry-1.docker.io/v2/library/nginx'],
    ],
    [
      'a rewrite',
      'registries: [{host: docker.io, rewrite: [{from: library, to: official}]}]',
      ['https://registry-1.docker.io/v2/official/nginx'],
    ],
    ['blocked', 'registries: [{host: docker.io, blocked: true, mirrors: [{host: mirror.corp}]}]', []],
  ])('I7 %s', (_, text, expected) => {
    expect(urls(text)).toEqual(expected);
  });

  test.each([
    ['team/app', 'team', 'group', 'group/app'],
    ['team/app', '', 'proxy', 'proxy/team/app'],
    ['team/app', 'team', '', 'app'],
    ['team', 'team', 'group', 'group'],
    ['teams/app', 'team', 'group', 'teams/app'],
    ['a/team/app', 'team', 'group', 'a/team/app'],
  ])('I7 %s with %j replaced by %j is %s', (repository, from, to, expected) => {
    expect(rewritePath(repository, [{ from, to }])).toBe(expected);
  });
});

describe('I7 the registries file', () => {
  test.each([
    [
      'an unknown field',
      'registries: [{host: a.example, plainHTTP: true}]',
      'registries file: registries.0: unknown field at line 1, column 32',
    ],
    [
      'two unknown fields, in JSON',
      '{"registries": [],\n "a": 1,\n "b": {"c": 2}}',
      'registries file: unknown field at line 2, column 2 and line 3, column 2',
    ],
    ['no host', 'registries: [{plainHttp: true}]', 'registries.0.host'],
    ['a URL as host', 'registries: [{host: "https://a.example"}]', 'registries.0.host'],
    ['a wrong range', 'refuseAddresses: [10.0.0.0]', 'refuseAddresses.0'],
    [
      'a wrong range of a host',
      'registries: [{host: a.example, allowAddresses: [everything]}]',
      'registries.0.allowAddresses.0',
    ],
    [
      'a limit of 0',
      'registries: [{host: a.example, requestLimit: {perSecond: 0, burst: 1}}]',
      'registries.0.requestLimit.perSecond',
    ],
    ['text', 'hello', ''],
    [
      'text that is not YAML',
      'registries:\n  {',
      'registries file: not YAML: syntax error at line 2, column 4 (BAD_INDENT)',
    ],
    [
      'aliases, which can expand exponentially',
      'a: &a [1]\nregistries: *a',
      'registries file: aliases (*name) are not supported at line 2, column 13: put text that begins with * into quotes',
    ],
    [
      'a wildcard without quotes',
      'registries: [{host: *.corp.example}]',
      'at line 1, column 21: put text that begins with *',
    ],
    [
      'a word for a truth value',
      'default: {blocked: yes}',
      'default.blocked at line 1, column 20: expected true or false',
    ],
    ['an empty field', 'refuseAddresses:', 'refuseAddresses at line 1, column 17: expected a list'],
    ['text instead of a list', 'nat64Prefixes: "64:ff9b::/96"', 'nat64Prefixes at line 1, column 16: expected a list'],
    ['text instead of fields', 'registries: [docker.io]', 'registries.0 at line 1, column 14: expected fields'],
    [
      'a missing field',
      'registries:\n  - {host: a.example, requestLimit: {perSecond: 5}}',
      'registries.0.requestLimit.burst at line 2, column 37: required field is missing',
    ],
    [
      'a second entry of a host',
      'registries:\n  - {host: a.example}\n  - {host: A.example, blocked: true}',
      'registries.1.host at line 3, column 12: the host of registries.0, too: merge the entries',
    ],
    ...['None', 'direct', 'proxy.corp:3128', 'socks5://proxy.corp:1080', 'http://proxy.corp/path', '""'].map(
      (text): [string, string, string] => [
        `the proxy ${text}`,
        `registries: [{host: a.example, proxy: ${text}}]`,
        'registries.0.proxy at line 1, column 39: expected none, or the URL of an HTTP proxy',
      ],
    ),
  ])('I7 %s is rejected with its position', (_, text, where) => {
    expect(() => load(text)).toThrow(where);
    expect(() => load(text)).toThrow(RegistryError);
  });

  test('P5 an error does not contain values of the file', () => {
    const text = 'dockerConfigFile: 7\nregistries: [{host: "secret canary-value"}]\npassword: canary-value';
    expect(() => load(text)).toThrow();
    try {
      load(text);
    } catch (error) {
      expect(String(error)).not.toContain('canary-value');
    }
  });

  test.each(['', '{}', 'registries: []'])('I7 %j is a valid file without entries', (text) => {
    expect(load(text).entryFor('docker.io')).toBeUndefined();
  });
});
