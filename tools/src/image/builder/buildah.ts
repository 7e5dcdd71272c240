import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { runCommand } from '../run-command.ts';
import { buildArguments } from './builder.ts';
import type { Builder, BuildRequest } from './builder.ts';

/** The program, and the libraries that it needs besides those of the machine. */
export interface BuildahProgram {
  readonly name: string;
  readonly path: string;
  readonly libraries?: string;
}

/** Reads name and version from the output of `buildah --version`: `buildah version 1.28.2 (image-spec 1.1.0)`. */
export function readBuildahVersion(output: string): string {
  return `buildah ${/version (\S+)/u.exec(output)?.[1] ?? ''}`.trim();
}

const REMEDY = 'see the message of buildah; it needs root, or user namespaces of the user';

/** Builds with a storage of its own that is removed afterwards, so that nothing of an earlier build is reused. */
export class Buildah implements Builder {
  readonly name: string;
  readonly #program: BuildahProgram;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(program: BuildahProgram, environment: NodeJS.ProcessEnv) {
    this.name = program.name;
    this.#program = program;
    this.#environment = environment;
  }

  async build(request: BuildRequest): Promise<void> {
    const { scratch, layout, version } = request;
    const files = await writeConfiguration(scratch);
    const storage = ['--storage-driver', 'vfs', '--root', join(scratch, 'graph'), '--runroot', join(scratch, 'run')];
    const common = [...storage, '--registries-conf', files.registries];
    // The target `oci:PATH:TAG` is split at colons, so the path is relative.
    const options = { cwd: dirname(layout), env: { ...this.#environment, ...this.#variables(files.storage) } };
    const policy = ['--signature-policy', files.policy];
    // One after the other: built at once, the images would be in the index in the order in which they are completed.
    for (const platform of request.platforms) {
      const build = [...buildOptions(request, platform), ...policy, request.context];
      await runCommand(this.#program.path, [...common, ...build], REMEDY, options);
    }
    const target = `oci:${basename(layout)}:${version}`;
    const push = ['manifest', 'push', '--all', ...policy, NAME, target];
    await runCommand(this.#program.path, [...common, ...push], REMEDY, options);
  }

  #variables(storageConfiguration: string): NodeJS.ProcessEnv {
    const { libraries } = this.#program;
    return {
      // Without it, buildah reads the configuration of the machine, which may name another storage.
      CONTAINERS_STORAGE_CONF: storageConfiguration,
      ...(libraries === undefined ? {} : { LD_LIBRARY_PATH: libraries }),
    };
  }
}

const NAME = 'archpolicy';

function buildOptions(request: BuildRequest, platform: string): readonly string[] {
  const { dockerfile, commit } = request;
  return [
    'build',
    ...['--isolation', 'chroot'],
    ...['--format', 'oci'],
    // The time of all files and of the image itself.
    ...['--timestamp', String(commit.time)],
    ...['--platform', platform],
    ...['--manifest', NAME],
    // Without the label of buildah's version.
    '--identity-label=false',
    ...buildArguments(request),
    ...['--file', dockerfile],
  ];
}

interface ConfigurationFiles {
  readonly policy: string;
  readonly registries: string;
  readonly storage: string;
}

/** Writes the files that buildah otherwise reads from /etc/containers, where they are often missing. */
async function writeConfiguration(scratch: string): Promise<ConfigurationFiles> {
  await mkdir(scratch, { recursive: true });
  const files = {
    policy: join(scratch, 'policy.json'),
    registries: join(scratch, 'registries.conf'),
    storage: join(scratch, 'storage.conf'),
  };
  // The only image that may be pulled is named by its digest.
  await writeFile(files.policy, JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }));
  await writeFile(files.registries, '');
  const folders = { runroot: join(scratch, 'run'), graphroot: join(scratch, 'graph') };
  const lines = Object.entries({ driver: 'vfs', ...folders }).map(
    ([key, value]) => `${key} = ${JSON.stringify(value)}`,
  );
  await writeFile(files.storage, ['[storage]', ...lines, ''].join('\n'));
  return files;
}
