import { ImageError } from '../errors.ts';
import { tryCommand } from '../run-command.ts';
import { Buildah, readBuildahVersion } from './buildah.ts';
import type { Builder } from './builder.ts';
import { Buildx, hasBuildx } from './buildx.ts';
import { ensureDebianBuildah } from './debian-buildah.ts';

/** Debian's names of the architectures of Node. */
const DEBIAN_NAMES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/**
 * Returns the first builder that this machine has: docker buildx, buildah from PATH, or buildah from Debian's packages.
 * @throws ImageError if there is none
 */
export async function findBuilder(environment: NodeJS.ProcessEnv, cache: string): Promise<Builder> {
  if (await hasBuildx(environment)) return new Buildx(environment);
  const installed = await tryCommand('buildah', ['--version'], { env: environment });
  if (installed?.status === 0) {
    return new Buildah({ name: readBuildahVersion(installed.stdout), path: 'buildah' }, environment);
  }
  const architecture = DEBIAN_NAMES[process.arch];
  if (architecture !== undefined && process.platform === 'linux') {
    const program = await ensureDebianBuildah(cache, architecture);
    if (program !== undefined) return new Buildah(program, environment);
  }
  throw new ImageError(
    'there is no program that builds images: install buildah, or start Docker and run `docker buildx create --use`',
  );
}
