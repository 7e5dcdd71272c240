import { fileURLToPath } from 'node:url';

/** The top of the checkout: the demo's commands run there, as a reader would type them. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export interface Config {
  /** The demo's own cluster directory, beside the one that `make up` uses. */
  readonly clusterDirectory: string;
  /** `KEEP=1`: leave the cluster and say how to look around. */
  readonly keep: boolean;
  /** `DEMO_PICTURE`: where to write the recorded session as SVG. */
  readonly picture: string | undefined;
  /** `NO_COLOR`, or no terminal: plain text. */
  readonly colours: boolean;
}

/** Reads the demo's configuration. */
export function readConfig(environment: NodeJS.ProcessEnv, isTerminal: boolean): Config {
  const base = environment['CLUSTER_DIR'];
  return {
    clusterDirectory: `${base === undefined || base === '' ? `${ROOT}.cluster` : base}-demo`,
    keep: environment['KEEP'] === '1',
    picture: environment['DEMO_PICTURE'],
    colours: isTerminal && environment['NO_COLOR'] === undefined,
  };
}
