import type { Commit } from '../commit.ts';

/** One build of the image for all architectures. */
export interface BuildRequest {
  readonly dockerfile: string;
  /** The folder with the files that the Dockerfile copies. */
  readonly context: string;
  /** The argument BASE of the Dockerfile. */
  readonly base: string;
  readonly version: string;
  readonly commit: Commit;
  /** `linux/amd64`, … */
  readonly platforms: readonly string[];
  /** The folder that becomes an OCI layout. It does not exist yet. */
  readonly layout: string;
  /** A folder for temporary files of the builder. */
  readonly scratch: string;
}

export interface Builder {
  /** For the output of `make image`: `buildah 1.28.2`. */
  readonly name: string;
  /** @throws ImageError with the reason that the builder gives */
  build(request: BuildRequest): Promise<void>;
}

/** Returns the arguments of the Dockerfile as options, which have the same form in both builders. */
export function buildArguments({ base, version, commit }: BuildRequest): readonly string[] {
  const values = { BASE: base, VERSION: version, COMMIT: commit.hash };
  return Object.entries(values).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);
}
