import { enumGauge } from './enum-metrics.ts';
import type { Registry } from './enum-metrics.ts';

/** The build that a process runs. */
export interface Build {
  readonly version: string;
  /** The commit from which the program was built; `unknown` if the build did not set it. */
  readonly commit: string;
}

/** Declares the gauge that is always 1 and has the build as its labels. */
export function declareBuildInfo(registry: Registry, { version, commit }: Build): void {
  const info = enumGauge({
    registry,
    name: 'archpolicy_build_info',
    help: '1; the labels are the version and the commit of the build.',
    labels: { version: [version], commit: [commit] },
  });
  info.set({ version, commit }, 1);
}
