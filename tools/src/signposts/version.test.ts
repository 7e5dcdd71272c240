import { describe, expect, test } from '@jest/globals';
import { files, parts, readText } from './fixtures/checkout.ts';

interface Manifest {
  readonly version?: string;
}

const { version } = JSON.parse(readText('package.json')) as Manifest;
const lockfile = JSON.parse(readText('package-lock.json')) as { readonly packages: Readonly<Record<string, Manifest>> };
const workspaces = parts.filter((part) => part !== 'deploy');

/** Matches a version of ArchPolicy in an image's tag, in a name with a version, in a kustomize tag, or in a label. */
const MENTION =
  /(?:\barchpolicy[\w-]*[:/@ ]v?|newTag: *["']?v?|app\.kubernetes\.io\/version: *["']?v?)(\d+\.\d+\.\d+[\w.+-]*)/gu;
const mentions = files
  .filter((file) => /\.(?:md|ts|js|json|ya?ml|svg)$|(?:^|\/)(?:Makefile|Dockerfile)$/u.test(file))
  .filter((file) => !file.endsWith('.test.ts'))
  .flatMap((file) => [...readText(file).matchAll(MENTION)].map(([, mentioned]) => [file, mentioned] as const));

describe('the version in package.json', () => {
  test('is a semantic version', () => {
    expect(version).toMatch(/^\d+\.\d+\.\d+(?:-[\w.]+)?$/u);
  });

  test.each(workspaces)('is that of %s, in its package.json and in the lockfile', (part) => {
    const manifest = JSON.parse(readText(`${part}/package.json`)) as Manifest;
    expect([manifest.version, lockfile.packages[part]?.version]).toEqual([version, version]);
  });

  test('is that of the lockfile', () => {
    expect(lockfile.packages['']?.version).toBe(version);
  });

  test('is found in the manifests and the documentation', () => {
    const found = mentions.map(([file]) => file);
    expect(found).toEqual(expect.arrayContaining(['deploy/base/workloads/kustomization.yaml', 'deploy/README.md']));
  });

  test.each(mentions)('is the one that %s names: %s', (_file, mentioned) => {
    expect(mentioned).toBe(version);
  });
});
