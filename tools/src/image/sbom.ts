import type { ThirdParty } from '../bundle/third-party.ts';
import type { ImageArchitecture } from './architectures.ts';
import type { Commit } from './commit.ts';
import type { LockedPackage } from './debian/lock.ts';
import { ImageError } from './errors.ts';
import type { NodePackage } from './node-package.ts';
import { runCommand } from './run-command.ts';

interface Component {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
}

/** The part of a CycloneDX document that is read. */
export interface CycloneDx {
  readonly $schema: string;
  readonly specVersion: string;
  readonly components: readonly Component[];
}

/** What the image of one architecture contains. */
export interface Contents {
  readonly version: string;
  readonly commit: Commit;
  readonly architecture: ImageArchitecture;
  /** The packages in the bundles. */
  readonly bundled: readonly ThirdParty[];
  readonly node: NodePackage;
  /** The packages of the base; none if the base is an image of others. */
  readonly debian: readonly LockedPackage[];
}

/**
 * Returns the packages of the lockfile, which names no registry, as `npm sbom` describes them. The option `--omit=dev` is
 * not used: it also omits production dependencies on which some development dependency depends, too.
 * @throws ImageError if npm is missing or fails
 */
export async function readNpmSbom(root: string): Promise<CycloneDx> {
  const args = ['sbom', '--sbom-format=cyclonedx', '--package-lock-only'];
  return JSON.parse(await runCommand('npm', args, 'run make setup', { cwd: root })) as CycloneDx;
}

/**
 * Returns the SBOM of the image: the dependencies in the bundles, Node, and the packages of the base.
 * It leaves out what npm writes about this run (the serial number, the time, its own version, the folder's name), so
 * that equal images have equal SBOMs.
 * @throws ImageError if a package in a bundle is not in the lockfile
 */
export function createSbom(npm: CycloneDx, contents: Contents): object {
  const { version, commit, architecture, bundled, node, debian } = contents;
  const ofBundles = bundled.map((one) => {
    const component = npm.components.find(({ name, version: its }) => name === one.name && its === one.version);
    if (component !== undefined) return component;
    throw new ImageError(`npm sbom does not list ${one.name} ${one.version}, which a bundle contains: run make setup`);
  });
  return {
    $schema: npm.$schema,
    bomFormat: 'CycloneDX',
    specVersion: npm.specVersion,
    version: 1,
    metadata: {
      timestamp: new Date(commit.time * 1000).toISOString(),
      component: {
        'bom-ref': `archpolicy@${version}`,
        type: 'container',
        name: 'archpolicy',
        version,
        licenses: [{ license: { id: 'Apache-2.0' } }],
        properties: [
          { name: 'archpolicy:architecture', value: architecture.name },
          { name: 'archpolicy:commit', value: commit.hash },
        ],
      },
    },
    components: [...ofBundles, describeNode(node), ...debian.map(describeDebian)],
  };
}

function describeNode({ name, version, integrity }: NodePackage): object {
  const content = Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex');
  return {
    'bom-ref': `${name}@${version}`,
    type: 'application',
    name,
    version,
    // Advisories about Node name this product.
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:-:*:*:*`,
    purl: `pkg:npm/${name}@${version}`,
    hashes: [{ alg: 'SHA-512', content }],
    licenses: [{ license: { id: 'MIT' } }],
  };
}

function describeDebian({ name, version, architecture, sha256 }: LockedPackage): object {
  const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}`;
  return {
    'bom-ref': purl,
    type: 'library',
    name,
    version,
    purl,
    hashes: [{ alg: 'SHA-256', content: sha256 }],
  };
}
