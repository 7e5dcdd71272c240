import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleVariable, TESTED_PROGRAMS } from '@archpolicy/testkit';
import { buildBundles } from '../bundle/build.ts';
import { ROOT } from '../run.ts';

export interface TestedPrograms {
  /** The variables with which tests find the bundles. Empty if they could not be built: then tests start the sources. */
  readonly env: NodeJS.ProcessEnv;
  /** Why the bundles could not be built, if so. */
  readonly failure: string | undefined;
  remove(): Promise<void>;
}

/**
 * Builds the bundles that the tests start. It is called once in a run. The operator needs 2 s of CPU time to start from source, and
 * 0.4 s as a bundle, and the tests start it about a hundred times.
 */
export async function buildTestedPrograms(): Promise<TestedPrograms> {
  const folder = await mkdtemp(join(tmpdir(), 'archpolicy-bundles-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const bundles = new Map((await buildBundles(ROOT, folder)).map(({ name, file }) => [name, file]));
    const env = Object.fromEntries(TESTED_PROGRAMS.map((program) => [bundleVariable(program), bundles.get(program)]));
    return { env, failure: undefined, remove };
  } catch (failure) {
    return { env: {}, failure: failure instanceof Error ? failure.message : 'unknown', remove };
  }
}
