import { runCommand, tryCommand } from '../run-command.ts';
import { buildArguments } from './builder.ts';
import type { Builder, BuildRequest } from './builder.ts';

/** Builds with docker buildx. Not tested here: no test has a Docker daemon. */
export class Buildx implements Builder {
  readonly name = 'docker buildx';
  readonly #environment: NodeJS.ProcessEnv;

  constructor(environment: NodeJS.ProcessEnv) {
    this.#environment = environment;
  }

  async build(request: BuildRequest): Promise<void> {
    const env = { ...this.#environment, SOURCE_DATE_EPOCH: String(request.commit.time) };
    await runCommand('docker', buildxArguments(request), 'see the message of docker buildx', { env });
  }
}

export function buildxArguments(request: BuildRequest): readonly string[] {
  const output = { type: 'oci', dest: request.layout, tar: 'false', name: `archpolicy:${request.version}` };
  // All files get the time of SOURCE_DATE_EPOCH.
  const fields = Object.entries({ ...output, 'rewrite-timestamp': 'true' }).map(([key, value]) => `${key}=${value}`);
  return [
    ...['buildx', 'build'],
    ...['--platform', request.platforms.join(',')],
    // The attestations contain the time of the build.
    '--provenance=false',
    '--sbom=false',
    ...buildArguments(request),
    ...['--file', request.dockerfile],
    ...['--output', fields.join(',')],
    request.context,
  ];
}

/**
 * Whether docker buildx can write the image. The driver `docker` (the default) cannot: it has no exporter for OCI
 * layouts, unless the daemon keeps its images in containerd.
 */
export async function hasBuildx(environment: NodeJS.ProcessEnv): Promise<boolean> {
  const result = await tryCommand('docker', ['buildx', 'inspect'], { env: environment });
  return result?.status === 0 && hasExporter(result.stdout);
}

/** Reads the driver from the output of `docker buildx inspect`. */
export function hasExporter(inspection: string): boolean {
  const [, driver] = /^Driver: +(\S+)$/mu.exec(inspection) ?? [];
  return driver !== undefined && driver !== 'docker' && !/^ *Error:/mu.test(inspection);
}
