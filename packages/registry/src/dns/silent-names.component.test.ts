import { describe, expect, test } from '@jest/globals';
import type { SilentNames } from './fixtures/inspect-beside-silent-names.ts';
import { reasonWithoutNamespaces, runInNamespace } from './fixtures/network-namespace.ts';

const SCRIPT = new URL('fixtures/inspect-beside-silent-names.ts', import.meta.url);
const names = (count: number, reference: (index: number) => string): readonly string[] =>
  Array.from({ length: count }, (_, index) => reference(index));
const oneHost = names(40, (index) => `registry.dead.example/app:v${index}`);
const manyHosts = names(60, (index) => `registry.silent-${index}.example/app:v1`);
const oneDomain = names(60, (index) => `registry-${index}.silent.example/app:v1`);
const available = { byDns: 'resolved', byHostsFile: 'resolved' };
const skipReason = reasonWithoutNamespaces();

(skipReason === undefined ? describe : describe.skip)(
  `I10 names that DNS does not answer${skipReason === undefined ? '' : ` (skipped: ${skipReason})`}`,
  () => {
    const run = (input: SilentNames): Promise<unknown> => runInNamespace(SCRIPT, input);

    test.each([
      // In 8 s, connections that time out start more lookups.
      ['40 images of one host', oneHost, 8_000],
      ['60 hosts of as many domains', manyHosts, 100],
      ['60 hosts of one domain', oneDomain, 100],
    ])('I10 %s delay neither other registries nor getaddrinfo nor file reads', async (_, silentImages, silentMs) => {
      expect(await run({ silentImages, silentMs, hasBlockedPool: false })).toEqual({
        ...available,
        getaddrinfo: '127.0.0.1',
        file: '127.0.0.1 file.test\n',
      });
    });

    test('I10 an inspection needs no thread of the pool on which getaddrinfo and file reads run', async () => {
      expect(await run({ silentImages: oneHost, silentMs: 100, hasBlockedPool: true })).toEqual(available);
    });
  },
);
