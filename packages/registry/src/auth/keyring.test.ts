import { beforeEach, describe, expect, test } from '@jest/globals';
import { DEFAULT_REGISTRIES } from '../config/registries.ts';
import { ReferenceCache } from '../image/image-key.ts';
import { NO_METRICS } from '../metrics.ts';
import type { PullSecret } from './credential.ts';
import { Keyring } from './keyring.ts';
import { CredentialScopes } from './scopes.ts';

const references = new ReferenceCache();
let unusable: [reason: string, count: number][];
let comparisons: number;
let keyring: Keyring;

beforeEach(() => {
  unusable = [];
  comparisons = 0;
  keyring = new Keyring(new CredentialScopes(), undefined, {
    ...NO_METRICS,
    credentialComparisons: (count) => (comparisons += count),
    unusableKeys: ({ reason }, count) => void unusable.push([reason, count]),
  });
});

function secret(keys: Readonly<Record<string, string>>): PullSecret {
  const auths = Object.entries(keys).map(([key, username]) => [key, { username, password: 'x' }]);
  const json = JSON.stringify({ auths: Object.fromEntries(auths) as object });
  return { type: 'kubernetes.io/dockerconfigjson', json };
}

function users(image: string, ...secrets: readonly PullSecret[]): readonly string[] {
  const parsed = references.parse(image);
  if (parsed === undefined) throw new Error(`${image} is no reference`);
  return keyring
    .podCredentials(parsed, secrets)
    .map((credential) => (credential.kind === 'basic' ? credential.username : ''));
}

const numbered = (count: number, key: (index: number) => string): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [key(index), `user-${index}`]));

describe('I5 the credentials of a pod', () => {
  test('I5 are sorted over all secrets: longer keys first, then earlier secrets', () => {
    const first = secret({ 'registry.corp': 'host', 'registry.corp/team': 'team' });
    const second = secret({ 'registry.corp/team/app': 'app', 'registry.corp': 'other' });
    expect(users('registry.corp/team/app:1', first, second)).toEqual(['app', 'team', 'host', 'other']);
  });

  test('I5 are limited to the first eight distinct ones for an image', () => {
    const keys = numbered(200, (index) => `registry.corp/${'a/'.repeat(index >> 1)}${index % 2 === 0 ? '' : 'a'}`);
    expect(users(`registry.corp/${'a/'.repeat(100)}app`, secret({ ...keys, 'registry.corp': 'user-199' }))).toEqual(
      Array.from({ length: 8 }, (_, at) => `user-${199 - at}`),
    );
  });

  test('I5 use at most 256 keys of all secrets; the others are counted', () => {
    const secrets = [0, 1, 2].map((part) => secret(numbered(100, (index) => `r${part * 100 + index}.corp`)));
    expect(users('r255.corp/app', ...secrets)).toEqual(['user-55']);
    expect(users('r256.corp/app', ...secrets)).toEqual([]);
    expect(unusable).toContainEqual(['too-many-keys', 44]);
  });

  test('P8 are parsed and indexed once per secret; hosts without wildcards cost only comparisons of paths', () => {
    const only = secret(numbered(256, (index) => `r${index}.corp/team`));
    for (let round = 0; round < 3; round += 1) expect(users('r7.corp/team/app', only)).toEqual(['user-7']);
    expect(users('other.corp/team/app', only)).toEqual([]);
    expect(comparisons).toBe(3);
  });

  test('P8 are compared with wildcards once per host of images', () => {
    const only = secret(numbered(64, (index) => `*.h${index}.corp`));
    for (const name of ['a', 'b', 'c']) expect(users(`x.h63.corp/${name}`, only)).toEqual(['user-63']);
    // The first label of each wildcard host matches. The second label matches for one host only, so only the last label
    // of that host is compared. Then three paths are compared.
    expect(comparisons).toBe(64 * 2 + 1 + 3);
  });

  test('I5 have the anonymous scope without secrets', () => {
    const image = references.parse('registry.corp/app');
    expect(image && keyring.scopes(image, [], DEFAULT_REGISTRIES)).toEqual(['anonymous']);
  });
});
