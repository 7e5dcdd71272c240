import { fileURLToPath } from 'node:url';

/** The root of the checkout, where the demo runs its commands. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export interface Config {
  /** The demo's own cluster directory, separate from that of `make up`. */
  readonly clusterDirectory: string;
  /** `KEEP=1`: keep the cluster and print how to explore it. */
  readonly keep: boolean;
  /** `DEMO_PICTURE`: the path to which the recorded session is written as SVG. */
  readonly picture: string | undefined;
  /** Whether to print colours. False if `NO_COLOR` is set or there is no terminal. */
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
