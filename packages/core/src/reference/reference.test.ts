import { describe, expect, test } from '@jest/globals';
import { mutatedText } from '@archpolicy/testkit/mutations';
import fc from 'fast-check';
import { formatReference, parseReference } from './reference.ts';
import type { DigestReference, InvalidReferenceReason, TagReference } from './reference.ts';

const SHA256 = `sha256:${'a'.repeat(64)}`;
const SHA512 = `sha512:${'0'.repeat(128)}`;

const valid: readonly (readonly [string, string, string, string | undefined, string | undefined])[] = [
  ['nginx', 'docker.io', 'library/nginx', 'latest', undefined],
  ['nginx:1.27', 'docker.io', 'library/nginx', '1.27', undefined],
  ['grafana/loki', 'docker.io', 'grafana/loki', 'latest', undefined],
  ['docker.io/nginx', 'docker.io', 'library/nginx', 'latest', undefined],
  ['docker.io/library/nginx', 'docker.io', 'library/nginx', 'latest', undefined],
  ['index.docker.io/nginx:1', 'docker.io', 'library/nginx', '1', undefined],
  ['ghcr.io/org/app:v1', 'ghcr.io', 'org/app', 'v1', undefined],
  ['registry.corp:5000/app', 'registry.corp:5000', 'app', 'latest', undefined],
  ['registry:5000/app:2', 'registry:5000', 'app', '2', undefined],
  ['localhost/app', 'localhost', 'app', 'latest', undefined],
  ['localhost:5000/app', 'localhost:5000', 'app', 'latest', undefined],
  ['localhost:5000', 'docker.io', 'library/localhost', '5000', undefined],
  ['127.0.0.1:30500/a/b:c', '127.0.0.1:30500', 'a/b', 'c', undefined],
  ['[::1]:5000/app', '[::1]:5000', 'app', 'latest', undefined],
  ['[2001:db8::1]/a/b:c', '[2001:db8::1]', 'a/b', 'c', undefined],
  ['HOST/app', 'HOST', 'app', 'latest', undefined],
  ['host/app', 'docker.io', 'host/app', 'latest', undefined],
  [`nginx@${SHA256}`, 'docker.io', 'library/nginx', undefined, SHA256],
  [`nginx:1.27@${SHA256}`, 'docker.io', 'library/nginx', '1.27', SHA256],
  [`quay.io/a/b@${SHA512}`, 'quay.io', 'a/b', undefined, SHA512],
  ['a.b/c__d/e--f/g.h_i:J-k_L.m', 'a.b', 'c__d/e--f/g.h_i', 'J-k_L.m', undefined],
  [`x.io/${'a'.repeat(255)}`, 'x.io', 'a'.repeat(255), 'latest', undefined],
];

const invalid: readonly (readonly [string, InvalidReferenceReason])[] = [
  ['', 'Empty'],
  ['a'.repeat(1025), 'TooLong'],
  ['a'.repeat(64), 'Identifier'],
  ['Nginx', 'Repository'],
  ['ghcr.io/Org/app', 'Repository'],
  ['ghcr.io/', 'Repository'],
  ['ghcr.io//app', 'Repository'],
  ['/app', 'Repository'],
  ['app/', 'Repository'],
  [' nginx', 'Repository'],
  ['a__.b', 'Repository'],
  ['a___b', 'Repository'],
  ['a..b/c/../d', 'Registry'],
  ['x.io/a/../b', 'Repository'],
  [`x.io/${'a'.repeat(256)}`, 'Repository'],
  ['-host.io/app', 'Registry'],
  ['host.io:/app', 'Registry'],
  ['host.io:99999/app', 'Registry'],
  ['host.io:80a/app', 'Registry'],
  ['user:pass@host.io/app', 'Digest'],
  ['[::1/app', 'Registry'],
  ['[zz::]/app', 'Registry'],
  ['nginx:', 'Tag'],
  ['nginx:-x', 'Tag'],
  [`nginx:${'x'.repeat(129)}`, 'Tag'],
  ['nginx:a b', 'Tag'],
  ['nginx@', 'Digest'],
  ['nginx@sha256:abc', 'Digest'],
  [`nginx@sha256:${'A'.repeat(64)}`, 'Digest'],
  [`nginx@md5:${'a'.repeat(32)}`, 'Digest'],
  [`nginx@${SHA256}@${SHA256}`, 'Digest'],
];

describe('I1 references', () => {
  test.each(valid)('I1 %s is %s / %s : %s @ %s', (text, registry, repository, tag, digest) => {
    const parse = parseReference(text);
    expect(parse).toEqual({
      kind: 'ok',
      value: {
        registry,
        repository,
        ...(tag === undefined ? {} : { tag }),
        ...(digest === undefined ? {} : { digest }),
      },
    });
  });

  test.each(invalid)('I1 %j is invalid because of its %s', (text, reason) => {
    expect(parseReference(text)).toEqual({ kind: 'failed', failure: reason });
  });

  test('I1 a formatted reference parses to itself', () => {
    fc.assert(
      fc.property(fc.constantFrom(...valid.map(([text]) => text)), (text) => {
        const first = parseReference(text);
        expect(first.kind === 'ok' ? parseReference(formatReference(first.value)) : first).toEqual(first);
      }),
    );
  });

  test('I1 does not throw for any text, and valid references have a canonical form', () => {
    const seeds = [...valid.map(([text]) => text), ...invalid.map(([text]) => text)];
    fc.assert(
      fc.property(mutatedText(seeds), (text) => {
        const first = parseReference(text);
        expect(first.kind === 'ok' ? parseReference(formatReference(first.value)) : first).toEqual(first);
      }),
      { numRuns: 5_000 },
    );
  });
});

test('I1 a reference without tag and digest does not compile', () => {
  type Version = Pick<TagReference, 'tag' | 'digest'> | Pick<DigestReference, 'tag' | 'digest'>;
  // @ts-expect-error -- neither tag nor digest
  const neither: Version = {};
  expect(neither).toEqual({});
  const version = ({ tag, digest }: Version): string => digest ?? tag;
  expect([version({ tag: 'v1' }), version({ tag: 'v1', digest: SHA256 })]).toEqual(['v1', SHA256]);
});
